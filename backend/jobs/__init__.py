"""A job runs a method's stages: it reports progress, can be paused and canceled, caches finished stages and resumes.

job.py          Job, and the events it reports
environment.py  what a job is run with: cache, device, memory, online access, folders
needs.py        what a job needs before it can start: packages, weights, memory
meanwhile.py    waiting for long work, without keeping a cancel waiting
computing.py    how torch is set in the threads that compute
forecast.py     how long a job still takes; timings.py keeps what stages took on this machine
store.py        values to files and back: JSON and safetensors, nothing that could run code
cache.py        finished stages and checkpoints, addressed by what they were made from
identity.py     what a stage is beside its inputs: its function, and the code that reaches
runner.py       the queue and its one worker thread; what the panel polls
ledger.py       what is remembered of jobs when Blender is closed
newest.py       a thread that answers the newest question only
terminal.py     a job without a window
"""
