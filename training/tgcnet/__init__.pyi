from tgcnet.inference.predictor import load_predictor as load_predictor
from tgcnet.io import load_volume as load_volume
from tgcnet.report import read_report as read_report

__version__: str
