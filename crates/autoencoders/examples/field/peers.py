"""Tables with injected anomalies and gaps, and what PyOD and scikit-learn make of them.

    python peers.py tables FOLDER      writes the tables
    python peers.py detectors FOLDER   prints the AUROC of each detector on each table, as JSON
    python peers.py imputers FOLDER    prints the error of each imputer on each table, as JSON

Needs pyod, scikit-learn, pandas, statsmodels and vega_datasets, from which the tables come.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

SEEDS = 3
# Rows with an injected anomaly, beside as many tenths of normal ones.
ANOMALIES = 40


def tables():
    """Eight tables, four of which have categories."""
    from sklearn import datasets
    from statsmodels.datasets import anes96, fair, heart, modechoice, randhie, star98
    from vega_datasets import local_data

    def of_sklearn(load):
        bunch = load(as_frame=True)
        return bunch.data

    cars = local_data.cars().drop(columns=["Name", "Year"]).dropna()
    weather = local_data.seattle_weather().drop(columns=["date"])
    barley = local_data.barley()
    return {
        "breast_cancer": of_sklearn(datasets.load_breast_cancer),
        "wine": of_sklearn(datasets.load_wine),
        "diabetes": of_sklearn(datasets.load_diabetes),
        "star98": star98.load_pandas().data,
        "cars": cars,
        "weather": weather,
        "fair": fair.load_pandas().data.astype({"occupation": int, "educ": int}).assign(
            occupation=lambda t: "job " + t.occupation.astype(str)
        ),
        "barley": barley.assign(year=barley.year.astype(str)),
    }


def injected(table, rng):
    """Rows of which one thing is wrong: a number ten times as large, two numbers exchanged, a number
    of another row, or the category of another row."""
    odd = table.copy().reset_index(drop=True)
    numbers = list(table.select_dtypes("number").columns)
    categories = [name for name in table.columns if name not in numbers]
    odd[numbers] = odd[numbers].astype(float)
    spread = table[numbers].std().replace(0, 1)
    for row in range(len(odd)):
        ways = ["times ten", "swap", "cell"] + ["category"] * bool(categories)
        way = ways[row % len(ways)]
        if way == "times ten":
            column = rng.choice(numbers)
            odd.loc[row, column] = 10 * odd.loc[row, column]
        elif way == "swap" and len(numbers) > 1:
            a, b = rng.choice(numbers, 2, replace=False)
            odd.loc[row, [a, b]] = odd.loc[row, [b, a]].to_numpy()
        elif way == "category":
            column = rng.choice(categories)
            others = [level for level in table[column].unique() if level != odd.loc[row, column]]
            odd.loc[row, column] = rng.choice(others)
        else:
            column = rng.choice(numbers)
            far = (table[column] - odd.loc[row, column]).abs() / spread[column]
            odd.loc[row, column] = table[column].iloc[int(np.argsort(far.to_numpy())[-1 - rng.integers(5)])]
    return odd


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables().items():
        table = table.dropna().reset_index(drop=True)
        for seed in range(SEEDS):
            rng = np.random.default_rng(seed)
            order = rng.permutation(len(table))[:4000]
            half = len(order) // 2
            train, rest = table.iloc[order[:half]], table.iloc[order[half:]]
            source = rest.iloc[rng.integers(len(rest), size=min(ANOMALIES, len(rest)))]
            odd = injected(source, rng)
            test = pd.concat([rest, odd]).assign(anomaly=[0] * len(rest) + [1] * len(odd))
            train.to_csv(folder / f"{name}-{seed}-train.csv", index=False)
            test.to_csv(folder / f"{name}-{seed}-test.csv", index=False)
    gaps(folder)


def gaps(folder):
    """Five tables of numbers with a fifth of their cells hidden."""
    from sklearn import datasets
    from statsmodels.datasets import star98

    wholes = {
        "breast_cancer": datasets.load_breast_cancer(as_frame=True).data,
        "wine": datasets.load_wine(as_frame=True).data,
        "diabetes": datasets.load_diabetes(as_frame=True).data,
        "iris": datasets.load_iris(as_frame=True).data,
        "star98": star98.load_pandas().data,
    }
    for name, whole in wholes.items():
        whole = whole.astype(float)
        holed = whole.mask(np.random.default_rng(0).random(whole.shape) < 0.2)
        whole.to_csv(folder / f"gaps-{name}-whole.csv", index=False)
        holed.to_csv(folder / f"gaps-{name}-holed.csv", index=False)


def prepared(train, test):
    """Numbers for those who know no categories: standardised, one of each level."""
    both = pd.get_dummies(pd.concat([train, test]), dtype=float)
    own = both.iloc[: len(train)]
    spread = own.std().replace(0, 1)
    both = (both - own.mean()) / spread
    return both.iloc[: len(train)].to_numpy(), both.iloc[len(train) :].to_numpy()


def detectors(folder):
    from pyod.models.ecod import ECOD
    from pyod.models.iforest import IForest
    from pyod.models.knn import KNN
    from sklearn.metrics import roc_auc_score

    areas = {}
    for path in sorted(folder.glob("*-train.csv")):
        name = path.name.removesuffix("-train.csv")
        train, test = pd.read_csv(path), pd.read_csv(folder / f"{name}-test.csv")
        truth = test.pop("anomaly")
        a, b = prepared(train, test)
        made = {"nearest neighbours": KNN(), "isolation forest": IForest(random_state=0), "ecod": ECOD()}
        for what, detector in made.items():
            detector.fit(a)
            area = roc_auc_score(truth, detector.decision_function(b))
            areas.setdefault(what, {}).setdefault(name.rsplit("-", 1)[0], []).append(float(area))
    print(json.dumps(areas))


def imputers(folder):
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer, KNNImputer

    errors = {}
    for path in sorted(folder.glob("gaps-*-whole.csv")):
        name = path.name.removeprefix("gaps-").removesuffix("-whole.csv")
        whole = pd.read_csv(path)
        holed = pd.read_csv(folder / f"gaps-{name}-holed.csv")
        mean, spread = holed.mean(), holed.std().replace(0, 1)
        scaled = ((holed - mean) / spread).to_numpy()
        truth = ((whole - mean) / spread).to_numpy()
        hidden = np.isnan(scaled)
        made = {
            "iterative": IterativeImputer(random_state=0, max_iter=20),
            "nearest neighbours": KNNImputer(),
        }
        for what, imputer in made.items():
            filled = imputer.fit_transform(scaled)
            error = np.abs(filled - truth)[hidden].mean() / np.abs(truth)[hidden].mean()
            errors.setdefault(what, {})[name] = float(error)
    print(json.dumps(errors))


if __name__ == "__main__":
    what, folder = sys.argv[1], Path(sys.argv[2])
    {"tables": write, "detectors": detectors, "imputers": imputers}[what](folder)
