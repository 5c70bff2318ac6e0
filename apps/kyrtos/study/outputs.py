# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a study writes to its folder: before the work it is known that it can, and that nothing
else has one of these names."""

import h5py

from .plan import StudyError

MARK = "was written by the program from `study.h5`"  # in every report


def is_study(path):
    with h5py.File(path) as file:
        return file.attrs.get("format") == "kyrtos study"


def says(words):
    return lambda path: words in path.read_text(encoding="utf-8")


RESULTS = {"study.h5": is_study, "report.md": says(MARK)}
JOBS = {"array.sh": says("SLURM_ARRAY_TASK_ID"), "report.sh": says("--collect")}


def require(folder, kinds):
    """Makes the folder. `kinds` says of each file whether one that is there is the study's own."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".partial"
        probe.touch()
        probe.unlink()
    except OSError as fault:
        raise StudyError(f"{folder}: can't be written ({fault.strerror}); choose another "
                         "--output") from None
    for name, is_own in kinds.items():
        path = folder / name
        try:
            replaceable = not path.exists() or (path.is_file() and is_own(path))
        except (OSError, ValueError):
            replaceable = False
        if not replaceable:
            raise StudyError(f"{path}: is there already, and no result of `kyrtos study`; choose "
                             "another --output, or remove that file")
