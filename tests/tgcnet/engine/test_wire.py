import json
from dataclasses import fields, replace
from typing import Any, get_args

import numpy as np
import pytest

from tgcnet.domain import AnonymousHeader, Geometry, Modality, SegmentationClass, SideKnowledge
from tgcnet.engine.protocol import (
    ArrayBlock,
    Begun,
    Cancel,
    Cancelled,
    Describe,
    DeviceInfo,
    Died,
    Event,
    Failed,
    Finished,
    Loaded,
    ModelInfo,
    Notice,
    Progress,
    ReadReport,
    Ready,
    ReportRead,
    Request,
    Segment,
    SentVolume,
    ShownWindow,
    Shutdown,
    SliceDone,
    Starting,
)
from tgcnet.engine.wire import UnreadableLineError, decode_event, decode_request, encode

TEXT = 'Opacité "left"\n\\ {lower} \u2028 zone \ud800.'
VOLUME = SentVolume(
    block=ArrayBlock(name="psm_1", shape=(400, 512, 512), dtype="int16"),
    header=AnonymousHeader(
        geometry=Geometry(
            affine_lps=np.array(
                [(2.5, 0.1, 0.0, -1e-9), (0.0, 0.7, 0.0, 3.0), (0.0,) * 4, (0.0, 0.0, 0.0, 1.0)]
            ),
            unit="mm",
            side_knowledge=SideKnowledge.FROM_FILE,
            source_axes=(2, 1, 0),
            source_flips=(True, False, True),
            source_frame={"srow_x": (1.0, float("nan"))},
        ),
        modality=Modality.CT,
        intensity_unit="HU",
        is_display_ready=False,
    ),
)
REQUESTS = (
    Describe(request=1),
    ReadReport(request=2, model="mini", text=TEXT),
    Segment(
        request=3,
        model="mini",
        device="auto",
        report=TEXT,
        slices=(4, 9),
        threshold=0.5,
        window_hu=(40.0, 400.0),
        volume=VOLUME,
        labels=ArrayBlock(name="psm_2", shape=(400, 512, 512), dtype="uint8"),
    ),
    Cancel(request=3),
    Shutdown(),
)
EVENTS = (
    Starting(process_id=12),
    Ready(
        request=1,
        devices=(DeviceInfo(name="cuda:0", label="GPU", free_bytes=2**40, total_bytes=None),),
        models=(
            ModelInfo(
                name="mini",
                findings=("ground glass opacity",),
                classes=(SegmentationClass(name="lesion", colour=(255, 0, 9), code="1"),),
                threshold=0.5,
                licence="research",
                sha256="ab" * 32,
                training_data=("qata",),
                notes="",
            ),
        ),
    ),
    ReportRead(
        request=2,
        sentences_kept=(TEXT,),
        sentences_left_out=(),
        words_left_out=("zebra",),
        segmentable=("lesion",),
        not_segmentable=("fracture",),
        only_absent=False,
    ),
    Loaded(request=3, model="mini", seconds=0.25),
    Begun(
        request=3,
        window=ShownWindow(low=-1350.0, high=150.0, unit="HU"),
        about_report={"report_hmac_sha256": "00"},
    ),
    Progress(request=3, done=1, total=5, seconds_left=None),
    SliceDone(request=3, z=4),
    Notice(request=3, sentence="cuda:0 ran out of memory."),
    Finished(
        request=3,
        device="cpu",
        seconds=1.5,
        provenance={"model": "mini", "device": "cpu"},
        slices_done=5,
    ),
    Cancelled(request=3, slices_done=2),
    Failed(request=None, sentence="No.", kind="EngineError"),
    Died(exit_code=-9, sentence="Killed.", requests=(3, 4)),
)


def test_the_samples_cover_the_protocol() -> None:
    assert {type(message) for message in REQUESTS} == set(get_args(Request))
    assert {type(message) for message in EVENTS} == set(get_args(Event))


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda message: type(message).__name__)
def test_requests_come_back_equal(request_: Request) -> None:
    line = encode(request_)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    again = decode_request(line)
    assert type(again) is type(request_)
    assert encode(again) == line
    if isinstance(again, Segment):  # arrays do not compare as one
        header, expected = again.volume.header, VOLUME.header
        assert again.volume.block == VOLUME.block
        assert header.geometry.affine_lps.dtype == np.float64
        np.testing.assert_array_equal(header.geometry.affine_lps, expected.geometry.affine_lps)
        geometry = replace(
            header.geometry,
            affine_lps=expected.geometry.affine_lps,
            source_frame=expected.geometry.source_frame,
        )
        again = replace(again, volume=replace(VOLUME, header=replace(header, geometry=geometry)))
    assert again == request_


@pytest.mark.parametrize("event", EVENTS, ids=lambda message: type(message).__name__)
def test_events_come_back_equal(event: Event) -> None:
    line = encode(event)
    assert line.count(b"\n") == 1
    assert decode_event(line) == event


def test_a_whole_number_stands_for_a_float() -> None:
    line = encode(EVENTS[3]).replace(b"0.25", b"1")
    event = decode_event(line)
    assert isinstance(event, Loaded)
    seconds = event.seconds
    assert (seconds, type(seconds)) == (1.0, float)


@pytest.mark.parametrize(
    ("line", "says", "number"),
    [
        (b"\n", "is no JSON", None),
        (b"\xff\xfe\n", "is no JSON", None),
        (b'{"type":"Describe","request":1\n', "is no JSON", None),
        (b"[" * 100_000 + b"\n", "is no JSON", None),
        (b"[1, 2]\n", "no known type", None),
        (b'{"request": 5}\n', "no known type", 5),
        (b'{"type": ["Describe"], "request": 5}\n', "no known type", 5),
        (b'{"type": "Describe"}\n', "absent or unknown field 'request'", None),
        (b'{"type": "Describe", "request": 5, "more": 1}\n', "unknown field 'more'", 5),
        (b'{"type": "Describe", "request": "5"}\n', "request is str, expected int", None),
        (b'{"type": "Describe", "request": true}\n', "request is bool, expected int", None),
        (b'{"type": "Describe", "request": null}\n', "request is nothing, expected int", None),
        (b'{"type": "Starting", "process_id": 1}\n', "no known type", None),
    ],
)
def test_a_malformed_line_is_a_sentence(line: bytes, says: str, number: int | None) -> None:
    with pytest.raises(UnreadableLineError) as caught:
        decode_request(line)
    assert says in str(caught.value)
    assert caught.value.request == number


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"slices": [1]}, "slices is too short, expected more entries"),
        ({"slices": "1:2"}, "slices is str, expected tuple"),
        ({"volume": 5}, "volume is int, expected dataclass"),
        ({"report": 5}, "report is int, expected string"),
        ({"threshold": "half"}, "threshold is str, expected float"),
    ],
)
def test_a_wrong_field_is_named(change: dict, says: str) -> None:
    values = {**json.loads(encode(REQUESTS[2])), **change}
    with pytest.raises(UnreadableLineError, match="cannot be read") as caught:
        decode_request(json.dumps(values).encode())
    assert says in str(caught.value)
    assert caught.value.request == 3


def test_an_unknown_modality_and_a_wrong_provenance_are_refused() -> None:
    values = json.loads(encode(REQUESTS[2]))
    values["volume"]["header"]["modality"] = "mri"
    with pytest.raises(
        UnreadableLineError, match=r"volume\.header\.modality is str, expected one of"
    ):
        decode_request(json.dumps(values).encode())
    values = json.loads(encode(EVENTS[8]))
    values["provenance"] = {"model": 5}
    with pytest.raises(UnreadableLineError, match="provenance is int, expected string"):
        decode_event(json.dumps(values).encode())
    values["provenance"] = ["model"]
    with pytest.raises(UnreadableLineError, match="provenance is list, expected dict"):
        decode_event(json.dumps(values).encode())


def test_neither_an_error_nor_a_repr_quotes_the_report() -> None:
    name = "Zbigniew"
    line = json.dumps({"type": "ReadReport", "request": 1, "model": [], "text": name}).encode()
    for broken in (line, line[:-1]):
        with pytest.raises(UnreadableLineError) as caught:
            decode_request(broken)
        assert name not in str(caught.value)
    assert name not in repr(ReadReport(request=1, model="mini", text=name))
    assert "Opacit" not in repr(REQUESTS[2]) + repr(EVENTS[2])


def test_no_message_has_room_for_an_identifier() -> None:
    names = {
        f.name
        for cls in (*get_args(Request), SentVolume, AnonymousHeader, Geometry)
        for f in fields(cls)
    }
    assert not names & {"patient_id", "series_id", "path", "file"}


def test_numpy_numbers_are_refused_rather_than_guessed() -> None:
    number: Any = np.int64(3)
    with pytest.raises(TypeError, match="int64"):
        encode(SliceDone(request=1, z=number))
