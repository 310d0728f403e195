"""A job runs a method's stages: it reports progress, can be paused and canceled, caches finished stages and resumes.

job.py        Job, and the events it reports
environment.py  what a job is run with: cache, device, memory, online access, folders
meanwhile.py  waiting for long work, without keeping a cancel waiting
store.py      values to files and back: JSON and safetensors, nothing that could run code
cache.py      finished stages and checkpoints, addressed by what they were made from
runner.py     the queue and its one worker thread; what the panel polls
"""
