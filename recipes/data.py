"""Checks the data sets that recipes train on: `python -m recipes.data FOLDER…`.

Says whether each folder holds the texts that the published figures come from. `recipes/DATA.md`
says where each data set comes from, and which files its folder needs.
"""

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path

# SHA-256 of the files behind the shipped models and the figures in results/accuracy.csv.
HASHES = {
    "ag_news/train.tsv": "ff7aa9d4c24571d7bc5d29196392c12c8727a49ba6ca0faa3e3a08cce4f292c6",
    "ag_news/test.tsv": "df79346776484dfd3edcecc228c459ec47e42d77ac05d3ded1bd9377e1254421",
    "ag_news/train_descriptions.tsv": (
        "32c8a86ad3c05eeefe2373e6c1cc3f305f2862bd74f4709df5f255411cfacc8d"
    ),
    "ag_news/train_lowercased.tsv": (
        "415dd990aeb1f58ac5846d0303962bf5c841b5002a2cefcd2f7ddd4515515fe6"
    ),
    "banking77/train.tsv": "5fb54bad30ee652e19beb7f8a33ca0e8e0d69fabace6376d72b6747d8275235f",
    "banking77/test.tsv": "2e03f57b0e37e61a08bd0d9eed1fec21a58c8348644001664d64c614efbfcda0",
    "clinc150/train.tsv": "b1e0714d00fcaf09b3927d1bdcf4e384d30423039bc0feac3bbe82d3d40f05ba",
    "clinc150/valid.tsv": "7c92fa0435be65950f5d4160b5bc7022283669e37f5babcb49a74ad1af67ab56",
    "clinc150/test.tsv": "ff91ffa0027e7473cd48caf99b93c14bad2f35d9f3ff5f1bf69b9b55ad8ea3d8",
    "sms_spam/train.tsv": "9a5f14569c5fd7efabe4dbb0f545119d203e2861785823ac480991d9615fe3bd",
    "sms_spam/test.tsv": "e3002edfc2ef91836f7630487888630c9491813de35699bbd4a89e45b7dcf0c4",
    "snips/train.tsv": "6e00d57ad544839d72971c4f0cf48e216767c21e23a8d2acaefe85bb965cdbcf",
    "snips/valid.tsv": "3321de28895631c8a103425b1f864c510cb6c82eb1de3e9dc0ce2fe709f74ada",
    "snips/test.tsv": "a4dab92bbd043af96825859ea7ff8f5e24d71c79883c452971170840f0c58511",
    "sst2/train.tsv": "441fb1e45d0e95b2d0c8fa27f58aefd5ef5eae68b8a0d0235ba6c70727d0b333",
    "sst2/valid.tsv": "7924c9717778e2d4c41b9fd84536692572b06e43ea59f5051e8cece58740fefe",
    "sst2/test.tsv": "420506f13681514c553eaab6a34346fee5b2354c061d3213068781ed6f89a4d9",
    "trec/train.tsv": "62aeab2c5a1ca726842b437235a22f3693faee0afb0843c8aa8359a557b2de71",
    "trec/test.tsv": "9a1ea9948294b60a468f35723d2cfae0e2650a4d9f1531732b7a6fd874147246",
}


def check(folder: Path) -> str:
    """What there is to say of a folder that has all files of its data set.

    Raises:
        SystemExit: If no recipe uses a folder of that name, or if it lacks a file.
    """
    names = [Path(name).name for name in HASHES if Path(name).parent.name == folder.name]
    if not names:
        known = ", ".join(sorted({str(Path(name).parent) for name in HASHES}))
        raise SystemExit(
            f"No recipe uses a data set named {folder.name!r}. Rename {folder} to one of {known}."
        )
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise SystemExit(
            f"{folder} lacks {', '.join(missing)}. recipes/DATA.md says where the texts come from. "
            "In a recipe, DATA is the folder that holds this one."
        )
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    others = [name for name in names if digests[name] != HASHES[f"{folder.name}/{name}"]]
    if others:
        return (
            f"Note: {', '.join(others)} in {folder} differ from the files behind the published "
            "figures; expect other figures."
        )
    return f"{folder}: the files behind the published figures"


def main(arguments: Sequence[str] | None = None) -> None:
    """Checks the folders in the order given, and stops at the first that lacks a file."""
    parser = argparse.ArgumentParser(prog="python -m recipes.data", description=__doc__)
    parser.add_argument(
        "folders",
        nargs="+",
        type=Path,
        metavar="FOLDER",
        help="a data set's folder, such as data/trec, with its .tsv files",
    )
    for folder in parser.parse_args(arguments).folders:
        print(check(folder))


if __name__ == "__main__":
    main()
