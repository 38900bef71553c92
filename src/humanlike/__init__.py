"""Do networks that recognise facial expressions look where people look?"""

import os
import sys

# Both must be set before TensorFlow is imported. TensorFlow leaves oneDNN out on processors without
# AVX512-VNNI, where it is 1.5 to 3 times faster all the same; its greetings hide our own messages.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# What is done with people's photographs is nobody else's business: OpenVINO would tell its makers
# of every network that it converts, each time from a process forked for it, which costs seconds.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

__version__ = "0.1.0"
