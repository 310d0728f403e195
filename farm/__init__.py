"""Work without a window: job files, folders of captures, clusters.

job_file  a job as a JSON file
perform   an order carried out on the terminal
batch     a folder of captures, one after another, resumable
cluster   the same on the machines of a Ray cluster
models    pretrained weights: listed, fetched, imported, checked, removed
streams   what goes to standard output and what doesn't
"""
