"""The session: what Reify does and knows while Blender runs, between what the artist clicks and the scene.

queue         the runner, its tasks, and what is remembered of them when Blender is closed
needs         what a method needs and isn't there
start         orders into the queue: from panels and scripts, again, and waiting for them
committing    finished results into the open file
pump          the timer that shows previews and puts results into the scene
side_jobs     work beside the queue, of each kind one at a time
engine        the engine's parts: what there is of them, and installing them
models        pretrained weights as this Blender has them, and fetching them beside the queue
self_test     trying everything that computes
conversion    selected objects as what a method changes, and what was made of them
live          From Picture's live preview
properties    the panel's properties, made from the methods' settings
enums         numbers of items that .blend files keep
sources       files, folders and images as what a method is given
results       what of a job's result is in the open file
estimates     how long a job would take on this machine
photo_looks   the listed photos, looked at in a thread: how many, small pictures, which stand out
photo_walk    looking through the cameras of a result's photos
picking       the place on a result that is seen at a pixel
drops         what dropped files are taken for
assets        results in the asset browser
texts         how a task has ended, in the user's language
viewports, image_editor, redraw    Blender's windows
registration  enabling and disabling all of it
"""
