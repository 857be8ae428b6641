"""How well images are found again: edits of known images, searched for, and what came of it.

`datasets` are the images, `sampling` chooses among them, `edits` has what happens to them, `runner` searches,
`outcomes` and `metrics` make numbers of it.

```python
from echo_image import open_library
from echo_image.evaluate import Options, chosen_edits, hold_out, run, sample_of

with open_library("bench.library") as library:
    library.add("photos")
    known, unknown = hold_out(library, 5, seed=0)
    samples = [[sample_of(library, path) for path in paths] for paths in (known, unknown)]
    evaluation = run(library, *samples, Options(chosen_edits(["codec"])))
    print(evaluation.total.at_1, evaluation.micro_ap)
```
"""

from __future__ import annotations

from echo_image.evaluate.datasets import Dataset, EvaluationSet, Folder, Pair, open_dataset
from echo_image.evaluate.edits import EDITS, Edit, Family, chosen_edits
from echo_image.evaluate.outcomes import NOT_FOUND, PRECISION, Evaluation, Outcome, Prediction, Row
from echo_image.evaluate.runner import Options, ProgressCallback, Trial, run, trials
from echo_image.evaluate.sampling import Sample, hold_out, load_pixels, sample_of, samples_of_folder

__all__ = [
    "EDITS",
    "NOT_FOUND",
    "PRECISION",
    "Dataset",
    "Edit",
    "Evaluation",
    "EvaluationSet",
    "Family",
    "Folder",
    "Options",
    "Outcome",
    "Pair",
    "Prediction",
    "ProgressCallback",
    "Row",
    "Sample",
    "Trial",
    "chosen_edits",
    "hold_out",
    "load_pixels",
    "open_dataset",
    "run",
    "sample_of",
    "samples_of_folder",
    "trials",
]
