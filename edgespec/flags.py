"""Options that several commands have."""

from pathlib import Path

import click

from edgespec.output_path import OutputPath

__all__ = [
    "BAND_OPTION",
    "CONFIG_OPTION",
    "JSON_OPTION",
    "MODEL_OPTION",
    "MQTT_OPTION",
    "PICTURE_OPTION",
    "SOURCE_OPTION",
]

CONFIG_OPTION = click.option(
    "-c",
    "--config",
    "config_path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Configuration (TOML, see 'edgespec config init'); default: the built-in one.",
)
SOURCE_OPTION = click.option(
    "--source",
    metavar="URI",
    help="rtlsdr:?center_freq=806M, rtl_tcp:HOST:1234, soapy:driver=uhd?gain=30, sigmf:FILE, "
    "wav:FILE, raw:FILE?datatype=cu8&sample_rate=1.92M, sim:lte-dl; of sweeps rtl_power:FILE or "
    "sweep:rtlsdr:?start=88M&stop=108M. Put it in quotes: the shell takes & and ?.",
)
MODEL_OPTION = click.option(
    "--model",
    type=click.Path(path_type=Path),
    metavar="BUNDLE",
    help="FILE.edgespec; default: the installed one, or the shipped one.",
)
MQTT_OPTION = click.option(
    "--mqtt",
    metavar="URL",
    help="Broker, e.g. mqtt://localhost:1883; a password is better kept in the configuration or "
    "in EDGESPEC_MQTT_PASSWORD.",
)
BAND_OPTION = click.option(
    "--band", metavar="ID", help="Of a configuration with several: which; else the first."
)
PICTURE_OPTION = click.option(
    "-o",
    "--output",
    type=OutputPath(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw it into FILE (.png, .svg or .pdf), in the place of an older one; needs matplotlib.",
)
JSON_OPTION = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object a line on stdout."
)
