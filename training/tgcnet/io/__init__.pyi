from tgcnet.io.atomic import write_atomically as write_atomically
from tgcnet.io.atomic import write_bytes_atomically as write_bytes_atomically
from tgcnet.io.atomic import write_text_atomically as write_text_atomically
from tgcnet.io.sandbox import load_volume as load_volume
from tgcnet.io.sandbox import read_report as read_report
from tgcnet.io.sandbox import read_report_text as read_report_text
from tgcnet.io.write import RESEARCH_NOTICE as RESEARCH_NOTICE
from tgcnet.io.write import save_labels as save_labels
