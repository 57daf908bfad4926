"""A report of the gate to write down and read back."""

from tgcnet.domain import Change, Comparison, GateReport, ModelIdentity

_CHANGE = Change(before=0.4, after=0.5, difference=0.1, low=-0.05, high=0.2)
REPORT = GateReport(
    active=ModelIdentity(name="mini", sha256="a" * 64),
    candidate=ModelIdentity(name="m", sha256="b" * 64),
    held_out=(
        Comparison(
            text="given", num_cases=2, num_patients=1, dice_mean=_CHANGE, dice_pooled=_CHANGE
        ),
    ),
    reference=(),
    recommended=False,
    reasons=("Because.",),
    date_utc="2026-01-01T00:00:00+00:00",
    versions=("tgcnet 0",),
    seed=0,
    num_resamples=100,
)
