"""The alerts that we ship for Prometheus, played by its own tool."""

import json
import subprocess
from pathlib import Path
from shutil import which

import pytest

ROOT = Path(__file__).resolve().parents[4]
RULES = ROOT / "firmware_configs/prometheus/edgespec.rules.yml"
pytestmark = pytest.mark.skipif(
    not which("promtool"), reason="promtool is not here: apt install prometheus"
)

PI = 'instance="pi-1:9108", job="edgespec"'
UP, DOWN = f"up{{{PI}}}", "0x60"
SAMPLES = f'edgespec_samples_total{{{PI}, band="lower"}}'
DROPPED = f'edgespec_samples_dropped_total{{{PI}, band="lower", source="roof"}}'
#: Name, series of an hour in minutes, whether the alert fires at its end.
CASES = [
    ("EdgespecAlarm", {f'edgespec_alarm{{{PI}, band="lower"}}': "1x60"}, True),
    ("EdgespecAlarm", {f'edgespec_alarm{{{PI}, band="lower"}}': "0x60"}, False),
    # It runs; it cannot be asked; it stands still; it has not heard anything yet.
    ("EdgespecSilent", {UP: "1x60", SAMPLES: "0+100000x60"}, False),
    ("EdgespecSilent", {UP: DOWN}, True),
    ("EdgespecSilent", {UP: "1x60", SAMPLES: "100000x60"}, True),
    ("EdgespecSilent", {UP: "1x60"}, True),
    # Labels differ: what is lost has a source.
    ("EdgespecSamplesLost", {SAMPLES: "0+100000x60", DROPPED: "0+1000x60"}, True),
    ("EdgespecSamplesLost", {SAMPLES: "0+100000x60", DROPPED: "0+10x60"}, False),
    ("EdgespecNotScored", {f'edgespec_unscored_ratio{{{PI}, band="lower"}}': "0.9x60"}, True),
    # The hour is that of 1970.
    ("EdgespecUntested", {f"edgespec_last_test_timestamp_seconds{{{PI}}}": "-93600x60"}, True),
    ("EdgespecUntested", {f"edgespec_last_test_timestamp_seconds{{{PI}}}": "0x60"}, False),
    ("EdgespecBrokerAway", {f"edgespec_mqtt_connected{{{PI}}}": "0x60"}, True),
    ("EdgespecAlertLost", {f"edgespec_notifications_lost_total{{{PI}}}": "0x50 1x10"}, True),
    ("EdgespecAlertLost", {f"edgespec_mqtt_lost_total{{{PI}}}": "0x60"}, False),
    ("EdgespecHeldBack", {f'edgespec_held_back{{{PI}, reason="under-voltage"}}': "1x60"}, True),
]


def test_each_alert_fires_when_it_should_and_only_then(tmp_path: Path) -> None:
    """Whether something fires is asked as a query, since its words are nobody's contract."""
    firing = 'count(ALERTS{{alertname="{}", alertstate="firing"}}) or vector(0)'
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [
                {
                    "expr": firing.format(alert),
                    "eval_time": "59m",
                    "exp_samples": [{"labels": "{}", "value": int(fires)}],
                }
            ],
        }
        for alert, series, fires in CASES
    ]
    # YAML takes JSON.
    path = tmp_path / "tests.yml"
    path.write_text(json.dumps({"rule_files": [str(RULES)], "tests": tests}))
    done = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_words_of_an_alert_name_who_and_where(tmp_path: Path) -> None:
    series = {f'edgespec_alarm{{{PI}, band="lower"}}': "1x5"}
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {
                "alertname": "EdgespecAlarm",
                "eval_time": "3m",
                "exp_alerts": [
                    {
                        "exp_labels": {
                            "severity": "page",
                            "band": "lower",
                            "instance": "pi-1:9108",
                            "job": "edgespec",
                        },
                        "exp_annotations": {
                            "summary": "An alert is open in band lower of pi-1:9108"
                        },
                    }
                ],
            }
        ],
    }
    path = tmp_path / "tests.yml"
    path.write_text(json.dumps({"rule_files": [str(RULES)], "tests": [test]}))
    done = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
