"""What travels, to the byte: consumers in other languages and of other versions read it."""

import math
from datetime import date

import numpy as np
import pytest

from edgespec.level_scale import LevelScale
from edgespec.listing import Listing, MaskWord
from edgespec.records import Change, Event, EventType, ObserverState, RssReport
from edgespec.wire.event import EventMessage, event_payload, mark_replayed
from edgespec.wire.handover import SavedSite, saved_payload
from edgespec.wire.info import info_payload
from edgespec.wire.member import member_payload
from edgespec.wire.position import Position
from edgespec.wire.request import Request, Response, encode_request, encode_response
from edgespec.wire.rss import encode_rss
from edgespec.wire.site_event import SiteEvent, site_event_payload
from edgespec.wire.state import state_payload
from edgespec.wire.text import encode
from edgespec.wire.transmitters import Transmitter, transmitters_payload
from edgespec.wire.verdict import TwinStatus, TwinVerdict, encode_verdict

NS = 1_000_000_000
T0 = 1_800_000_000 * NS
PLACE = Position(3.0, 4.126, 1.5, 2.0)
EVENT = EventMessage(
    Event(
        "e1", EventType.NEW, "lte", T0, T0 + NS, 5, 10, 8e8, 8.1e8, 8.05e8, -40.0,
        Change.GAIN, 12.0, 9.0, "lstm", 3.0, 2.0, 0.8, "tone", 0.75,
        latency_s=0.0015, model_sha256="ab", scale=LevelScale(-30.0, 24.0, date(2026, 11, 28)),
        listing=Listing(MaskWord.OVER, "BTS ä", 2.5),
    ),
    "pi", 9,
)  # fmt: skip
STATE = ObserverState(
    T0, 5.0, 100, 7, 2, 1, {"clipped": 3}, -50.0, math.nan, {"lstm": 1.5}, {"lstm": 2.0}, 9.5,
    True, None, 4, 0.0, {"p50": 0.001}, "lte", "ab",
)  # fmt: skip
EDGES_HZ = (1e9, 1.5e9, 2e9)
REPORT = RssReport("pi", "hall", "n78", T0, 1.0, EDGES_HZ, (-70.25, -80.0), "dBm", 0.0, 9, 4)
SITE_EVENT = SiteEvent(
    "s1", EventType.UPDATE, "hall", "n78", T0, T0 + NS, "energy", 1.0, 0.5, 1, 2, 4, "wideband",
    "move", 1e9, 2e9, PLACE, 20.0,
)  # fmt: skip
LEVELS = np.array([[-70.04, -71.0], [math.nan, math.nan]])
VERDICT = TwinVerdict(
    "hall", "n78", T0, 5, TwinStatus.WATCHING, "likelihood", 9.00004, math.nan, True, 1, 1,
    ("a", "b"), LEVELS, LEVELS - 1.0, LEVELS * 0.0, EDGES_HZ, units_missing=("b",),
    implausible={"c": "repeats itself"}, source=PLACE, power_dbm=20.0, freq_lower_hz=1e9,
    kind="narrowband", advice="leave ä out",
)  # fmt: skip
SENDERS = (
    Transmitter("t", 0.0, 1.0, 2.0, 30.0),
    Transmitter("s", 0.0, 1.0, 2.0, 30.0, 90.0, "sector", 60.0, (1e9,), (2e9,), False),
)
TRAVELS = {
    "event": lambda: encode(event_payload(EVENT)),
    "replayed": lambda: mark_replayed(encode(event_payload(EVENT))),
    "state": lambda: encode(state_payload(STATE, "pi")),
    "info": lambda: encode(info_payload({"version": "1", "board": None}, "pi")),
    "rss": lambda: encode_rss(REPORT),
    "verdict": lambda: encode_verdict(VERDICT, "c-1", "dBm", {"accepted": 3}),
    "site_event": lambda: encode(site_event_payload(SITE_EVENT, "c-1", 3, replayed=True)),
    "member": lambda: encode(member_payload("c-1", ["a"], T0, version="1")),
    "handover": lambda: saved_payload(SavedSite("hall", "c-1", T0, 4, SITE_EVENT, b'{"a":1}')),
    "transmitters": lambda: encode(transmitters_payload("hall", SENDERS, T0)),
    "request": lambda: encode_request(Request("mute", "t-1", "e1", "lte", duration_s=60.0)),
    "response": lambda: encode_response(Response("t-1", "", {"undone": "mute-1"})),
}

#: Never changed within a version of a schema; a field may be added.
SAYS = {
    "event": (
        '{"schema":"edgespec.event/2","event_type":"new","id":"e1","sequence":9,'
        '"replayed":false,"node":"pi","band":"lte","start":"2027-01-15T08:00:00.000000Z",'
        '"end":"2027-01-15T08:00:01.000000Z","unheard_s":0.0,"core:sample_start":5,'
        '"core:sample_count":10,"core:freq_lower_edge":800000000.0,"core:freq_upper_edge":810000000.0,'
        '"peak_freq_hz":805000000.0,"peak_dbfs":-40.0,"change":"gain","excess_db":12.0,'
        '"severity_db":9.0,"level_unit":"dBFS",'
        '"kind":"tone","kind_probability":0.75,"kind_hint":"",'
        '"advice":"leave these frequencies out, and look for a device that radiates there",'
        '"detector":"lstm","score":3.0,"threshold":2.0,"sureness":0.8,'
        '"clock":"unsynchronised",'
        '"model_sha256":"ab","share":null,"cell_identity":null,"latency_ms":1.5,'
        '"alert":true,"no_alert_reason":"","incident":"",'
        '"peak_dbm":-70.0,"peak_dbuv_m":60.99,"full_scale_dbm":-30.0,"antenna_factor_db":24.0,'
        '"calibrated":"2026-11-28","calibration_age_days":48,"gain_db":null,'
        '"mask":"over","listed_as":"BTS ä","over_mask_db":2.5}'
    ),
    "replayed": (
        '{"schema":"edgespec.event/2","event_type":"new","id":"e1","sequence":9,'
        '"replayed":true,"node":"pi","band":"lte","start":"2027-01-15T08:00:00.000000Z",'
        '"end":"2027-01-15T08:00:01.000000Z","unheard_s":0.0,"core:sample_start":5,'
        '"core:sample_count":10,"core:freq_lower_edge":800000000.0,"core:freq_upper_edge":810000000.0,'
        '"peak_freq_hz":805000000.0,"peak_dbfs":-40.0,"change":"gain","excess_db":12.0,'
        '"severity_db":9.0,"level_unit":"dBFS",'
        '"kind":"tone","kind_probability":0.75,"kind_hint":"",'
        '"advice":"leave these frequencies out, and look for a device that radiates there",'
        '"detector":"lstm","score":3.0,"threshold":2.0,"sureness":0.8,'
        '"clock":"unsynchronised",'
        '"model_sha256":"ab","share":null,"cell_identity":null,"latency_ms":1.5,'
        '"alert":true,"no_alert_reason":"","incident":"",'
        '"peak_dbm":-70.0,"peak_dbuv_m":60.99,"full_scale_dbm":-30.0,"antenna_factor_db":24.0,'
        '"calibrated":"2026-11-28","calibration_age_days":48,"gain_db":null,'
        '"mask":"over","listed_as":"BTS ä","over_mask_db":2.5}'
    ),
    "state": (
        '{"schema":"edgespec.state/1","node":"pi","band":"lte","model_sha256":"ab",'
        '"time":"2027-01-15T08:00:00.000000Z",'
        '"uptime_s":5.0,"n_samples":100,"n_segments":7,"n_events":2,"n_dropped":1,'
        '"n_skipped":{"clipped":3},"level_dbfs":-50.0,"noise_floor_dbfs":null,'
        '"level_unit":"dBFS","scores":{"lstm":1.5},"thresholds":{"lstm":2.0},"speed":9.5,'
        '"alarm":true,"mqtt_connected":null,"spool_events":4,"n_untold":0,"board":[],'
        '"history_problem":"","warmup_left_s":0.0,'
        '"unscored_reason":"","unscored_share":0.0,"unscored_s":0.0,"troubles":[],"distrust":"",'
        '"side_inputs":"","model_caution":"",'
        '"center_freq_hz":0.0,"tuned":true,"duty":1.0,"cell":null,"events_last_day":0,"promise":null,"last_test":null,"errand":null,"model_note":"","raised":{},"rhythm":null,'
        '"latency_ms":{"p50":1.0},"level_dbm":null,"level_dbuv_m":null,"noise_floor_dbm":null,'
        '"noise_floor_dbuv_m":null,"full_scale_dbm":null,"antenna_factor_db":null,'
        '"calibrated":null,"calibration_age_days":null,"gain_db":null,"not_finite":{"/noise_floor_dbfs":"nan"}}'
    ),
    "info": ('{"schema":"edgespec.info/1","node":"pi","version":"1","board":null}'),
    "rss": (
        '{"schema":"edgespec.rss/1","event_type":"rss","node":"pi","site":"hall",'
        '"band":"n78","time":"2027-01-15T08:00:00.000000Z","duration_s":1.0,"sequence":4,'
        '"n_frames":9,"core:freq_lower_edge":1000000000.0,'
        '"core:freq_upper_edge":2000000000.0,"subband_edges_hz":[1000000000.0,1500000000.0,'
        '2000000000.0],"levels":[-70.25,-80.0],"level_unit":"dBm","clipped_share":0.0}'
    ),
    "verdict": (
        '{"schema":"edgespec.verdict/1","event_type":"verdict","site":"hall","band":"n78",'
        '"central":"c-1","time":"2027-01-15T08:00:00.000000Z","snapshot":5,'
        '"status":"watching","detector":"likelihood","score":9.0,"threshold":null,'
        '"alarm":true,"n_averages":1,"n_units":1,"units_missing":["b"],"units_saturated":[],'
        '"units_implausible":{"c":"repeats itself"},"transmitters_silent":[],"n_to_learn":0,'
        '"core:freq_lower_edge":1000000000.0,"core:freq_upper_edge":null,"source":{"x_m":3.0,'
        '"y_m":4.13,"z_m":1.5,"sigma_m":2.0,"region_m2":null},"power_dbm":20.0,"kind":"narrowband",'
        '"advice":"leave ä out","nodes":["a","b"],"subband_edges_hz":[1000000000.0,'
        '1500000000.0,2000000000.0],"level_unit":"dBm","levels":[[-70.0,-71.0],[null,null]],'
        '"expected":[[-71.0,-72.0],[null,null]],"residual_db":[[-0.0,-0.0],[null,null]],'
        '"reports":{"accepted":3}}'
    ),
    "site_event": (
        '{"schema":"edgespec.site-event/1","event_type":"update","id":"s1","sequence":3,'
        '"replayed":true,"site":"hall","band":"n78","central":"c-1",'
        '"start":"2027-01-15T08:00:00.000000Z","end":"2027-01-15T08:00:01.000000Z",'
        '"core:freq_lower_edge":1000000000.0,"core:freq_upper_edge":2000000000.0,'
        '"source":{"x_m":3.0,"y_m":4.13,"z_m":1.5,"sigma_m":2.0,"region_m2":null},"power_dbm":20.0,'
        '"kind":"wideband","advice":"move","detector":"energy","score":1.0,"threshold":0.5,'
        '"n_alarms":1,"n_snapshots":2,"n_units":4}'
    ),
    "member": (
        '{"schema":"edgespec.member/1","central":"c-1","time":"2027-01-15T08:00:00.000000Z",'
        '"sites":["a"],"version":"1"}'
    ),
    "handover": (
        '{"schema":"edgespec.twin-handover/1","site":"hall","central":"c-1",'
        '"time":"2027-01-15T08:00:00.000000Z","sequence":4,'
        '"event":{"schema":"edgespec.site-event/1","event_type":"update","id":"s1",'
        '"sequence":4,"replayed":false,"site":"hall","band":"n78","central":"c-1",'
        '"start":"2027-01-15T08:00:00.000000Z","end":"2027-01-15T08:00:01.000000Z",'
        '"core:freq_lower_edge":1000000000.0,"core:freq_upper_edge":2000000000.0,'
        '"source":{"x_m":3.0,"y_m":4.13,"z_m":1.5,"sigma_m":2.0,"region_m2":null},"power_dbm":20.0,'
        '"kind":"wideband","advice":"move","detector":"energy","score":1.0,"threshold":0.5,'
        '"n_alarms":1,"n_snapshots":2,"n_units":4},"twin":{"a":1}}'
    ),
    "transmitters": (
        '{"schema":"edgespec.transmitters/1","site":"hall",'
        '"time":"2027-01-15T08:00:00.000000Z","transmitters":[{"id":"t","x_m":0.0,"y_m":1.0,'
        '"z_m":2.0,"power_dbm":30.0,"antenna":"isotropic","width_deg":65.0,'
        '"freq_lower_hz":[],"freq_upper_hz":[],"active":true},{"id":"s","x_m":0.0,"y_m":1.0,'
        '"z_m":2.0,"power_dbm":30.0,"azimuth_deg":90.0,"antenna":"sector","width_deg":60.0,'
        '"freq_lower_hz":[1000000000.0],"freq_upper_hz":[2000000000.0],"active":false}]}'
    ),
    "request": (
        '{"schema":"edgespec.request/1","transaction":"t-1","id":"e1","band":"lte",'
        '"duration_s":60.0}'
    ),
    "response": (
        '{"schema":"edgespec.response/1","transaction":"t-1","status":"ok","error":"",'
        '"data":{"undone":"mute-1"}}'
    ),
}


@pytest.mark.parametrize("noun", TRAVELS)
def test_bytes(noun: str) -> None:
    assert TRAVELS[noun]().decode() == SAYS[noun]
