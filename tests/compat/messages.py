"""One message of each kind: those of the engine, and the events of a fine-tuning run.

Frozen with the fixtures: whoever changes a value here changes what is compared with them.
"""

from tests.compat.phantoms import REPORT

from tgcnet.domain import Modality, SegmentationClass, SideKnowledge
from tgcnet.engine import protocol
from tgcnet.finetune import events

TEXT = 'Opacité "left"\n\\ {lower} \u2028 zone \ud800.'

REQUESTS: tuple[protocol.Request, ...] = (
    protocol.Describe(request=1),
    protocol.ReadReport(request=2, model="mini", text=TEXT),
    protocol.Segment(
        request=3,
        model="mini",
        device="auto",
        report=TEXT,
        slices=(4, 9),
        threshold=0.5,
        window_hu=(40.0, 400.0),
        volume=protocol.SentVolume(
            block=protocol.ArrayBlock(name="psm_1", shape=(400, 512, 512), dtype="int16"),
            modality=Modality.CT,
            intensity_unit="HU",
            is_display_ready=False,
            affine_rows=(
                (2.5, 0.1, 0.0, -1e-9),
                (0.0, 0.7, 0.0, 1 / 3),
                (0.0, 0.0, 1e20, -0.0),
                (0.0, 0.0, 0.0, 1.0),
            ),
            unit="mm",
            side_knowledge=SideKnowledge.FROM_FILE,
            source_axes=(2, 1, 0),
            source_flips=(True, False, True),
        ),
        labels=protocol.ArrayBlock(name="psm_2", shape=(400, 512, 512), dtype="uint8"),
    ),
    protocol.Cancel(request=3),
    protocol.Shutdown(),
)
ANSWERS: tuple[protocol.Event, ...] = (
    protocol.Starting(process_id=12),
    protocol.Ready(
        request=1,
        devices=(
            protocol.DeviceInfo(name="cuda:0", label="GPU", free_bytes=2**40, total_bytes=None),
        ),
        models=(
            protocol.ModelInfo(
                name="mini",
                findings=("ground glass opacity",),
                classes=(SegmentationClass(name="lesion", colour=(255, 0, 9), code="1"),),
                threshold=0.5,
                licence="research",
                sha256="ab" * 32,
                training_data=("qata",),
                notes="½",
                is_active=True,
            ),
        ),
    ),
    protocol.ReportRead(
        request=2,
        sentences_kept=(TEXT,),
        sentences_left_out=(),
        words_left_out=("zebra",),
        segmentable=("lesion",),
        not_segmentable=("fracture",),
        only_absent=False,
        sentences_past_end=("More.",),
        words_past_end=("and", "more"),
    ),
    protocol.Loaded(request=3, model="mini", seconds=0.25),
    protocol.Begun(
        request=3,
        window=protocol.ShownWindow(low=-1350.0, high=150.0, unit="HU"),
        about_report={"report_hmac_sha256": "00"},
    ),
    protocol.Progress(request=3, done=1, total=5, seconds_left=None),
    protocol.Progress(request=3, done=4, total=5, seconds_left=1.5),
    protocol.SliceDone(request=3, z=4),
    protocol.Notice(request=3, sentence="cuda:0 ran out of memory."),
    protocol.Finished(
        request=3,
        device="cpu",
        seconds=1.5,
        provenance={"model": "mini", "device": "cpu"},
        slices_done=5,
    ),
    protocol.Cancelled(request=3, slices_done=2),
    protocol.Failed(request=None, sentence="No.", kind="EngineError"),
    protocol.Died(exit_code=-9, sentence="Killed.", requests=(3, 4)),
)

EVENTS: tuple[events.Event, ...] = (
    events.Begun(
        parent="mini",
        num_new=6,
        num_earlier=1,
        num_reference=120,
        num_held_out=2,
        total_steps=90,
        cache_bytes=2**33,
        device="cuda:0",
        process_id=4711,
        num_measured=100,
    ),
    events.Prepared(done=50, total=100),
    events.Stepped(step=1, total=90, loss=1 / 3, seconds_left=2.5e-7),
    events.Scored(epoch=0, step=0, dice_pooled=0.25, dice_mean=1.0),
    events.Message(sentence="Case 00 is left out: “½”."),
    events.Written(model="mini-ft-20260101-0000"),
    events.Comparing(fraction=0.5),
    events.Compared(
        report=REPORT,
        slices=(events.SliceCompared(case_id="00", z=3, dice_before=0.125, dice_after=1.0),),
    ),
    events.Done(model="mini-ft-20260101-0000"),
    events.Stopped(sentence="Stopped; it goes on from here when resumed."),
    events.Failed(sentence="The disk is full; mini-ft-20260101-0000 is installed."),
)
