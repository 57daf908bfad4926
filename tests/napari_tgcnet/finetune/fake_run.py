"""A run without training: takes the lock, writes events, and ends as its argument says."""

import argparse
import sys
import time
from pathlib import Path

from tgcnet.finetune.events import STOP_FILE, Begun, Done, EventLog, Scored, Stepped, Stopped
from tgcnet.io.process_lock import running

PATIENCE_S = 60


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("behaviour", choices=("stops", "deaf", "done", "crashes", "dies silently"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--resume", action="store_true")
    given, _ = parser.parse_known_args()
    if given.behaviour == "crashes":
        sys.stderr.write("MemoryError\n")
        return 1
    log = EventLog(given.out)
    with running(given.out):
        log(Begun(parent="mini", num_new=4, num_earlier=0, num_reference=0, num_held_out=2,
                  total_steps=9, cache_bytes=0, device="cpu", process_id=0))  # fmt: skip
        log(Scored(epoch=0, step=0, dice_pooled=0.6, dice_mean=0.5))
        log(Stepped(step=1, total=9, loss=0.9, seconds_left=60.0))
        log(Stepped(step=2, total=9, loss=0.8, seconds_left=60.0))
        if given.behaviour == "done" or given.resume:
            log(Done(model="tuned"))
            return 0
        if given.behaviour == "dies silently":
            return 1
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            if given.behaviour == "stops" and (given.out / STOP_FILE).exists():
                log(Stopped(sentence="Stopped after step 2; it can be resumed."))
                return 130
            time.sleep(0.02)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
