"""How fast camlib is, measured against its peers: `python -m bench`.

Mostly in CPU time, in which threads that wait shall not count: else the work of one counts for all.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: idle threads sleep, and cost no CPU time
os.environ.setdefault("TQDM_DISABLE", "1")
