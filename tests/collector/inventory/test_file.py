from datetime import date
from pathlib import Path

import pytest

from headroom_collector.inventory.entries import InventoryError
from headroom_collector.inventory.file import load_inventory
from headroom_core.estate import Placement

SAMPLE = Path(__file__).parents[3] / "deploy" / "config" / "inventory.toml"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def faults(path: Path) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        load_inventory(path)
    return [line.removeprefix(f"{path}: ") for line in caught.value.lines]


TABLES = """
[hosts."web-01"]
site = "fra1"
cluster = "web"
class = "r640"
owner = "shop"
purchase_date = 2021-03-31
"""
ITEMS = TABLES.replace('[hosts."web-01"]', '[[hosts]]\nname = "web-01"')
ROWS = 'host,site,cluster,class,owner,purchase_date\n\nweb-01, fra1 ,web,r640,"shop",2021-03-31\n'


@pytest.mark.parametrize(
    ("name", "text"), [("i.toml", TABLES), ("i.toml", ITEMS), ("i.csv", ROWS), ("I.CSV", ROWS)]
)
def test_every_form_says_the_same(tmp_path: Path, name: str, text: str) -> None:
    inventory = load_inventory(write(tmp_path, name, text))

    assert inventory.placement("web-01") == Placement(
        site="fra1",
        cluster="web",
        host_class="r640",
        owner="shop",
        purchase_date=date(2021, 3, 31),
        assigned=True,
    )
    assert inventory.placement("web-02") == Placement()


def test_the_sample_file_loads() -> None:
    inventory = load_inventory(SAMPLE)

    assert inventory.placement("db-01").assigned
    assert inventory.placement("web-77").assigned


def test_a_spreadsheets_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    path.write_bytes(b"\xef\xbb\xbfhost,site,cluster\r\nweb-01,fra1,web\r\n")

    assert load_inventory(path).placement("web-01").site == "fra1"


def test_a_hosts_own_entry_wins_over_a_pattern_and_the_first_pattern_over_the_next(
    tmp_path: Path,
) -> None:
    text = """
    [hosts."web-*"]
    site = "fra1"
    cluster = "web"
    [hosts."web-9?"]
    site = "par1"
    cluster = "never"
    [hosts.web-91]
    site = "ams1"
    cluster = "lab"
    """
    inventory = load_inventory(write(tmp_path, "i.toml", text))

    assert [inventory.placement(name).site for name in ("web-90", "web-91", "my-web-1")] == [
        "fra1",
        "ams1",
        "",
    ]


def test_a_host_without_a_cluster_is_not_assigned_and_keeps_the_rest(tmp_path: Path) -> None:
    path = write(tmp_path, "i.csv", "host,site,owner\nweb-01,fra1,shop\n")

    found = load_inventory(path).placement("web-01")

    assert (found.assigned, found.owner) == (False, "shop")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("i.toml", "host = 1\n", ["unknown key 'host'; did you mean 'hosts'?"]),
        ("i.toml", "hosts = 3\n", ['hosts: expected tables such as [hosts."web-01"]']),
        ("i.toml", "[hosts]\nweb-01 = 3\n", [
            "hosts.web-01: expected a table with site, cluster, class, owner, purchase_date"
        ]),
        ("i.toml", '\n[hosts."a"]\nsight = "x"\n', [
            "line 2: unknown key 'sight'; did you mean 'site'?"
        ]),
        ("i.toml", '[hosts.a]\nsite = 3\npurchase_date = "soon"\n', [
            "line 1: purchase_date = 'soon': expected a date such as 2021-03-31",
            "line 1: site = 3: expected a text on one line",
        ]),
        ("i.toml", "[[hosts]]\nname='a'\n\n[[hosts]]\nname='a'\n", [
            "line 4: host 'a' is there already (line 1): remove one of them"
        ]),
        ("i.toml", "[[hosts]]\nsite='a'\n", ["line 1: expected a table with a name"]),
        ("i.toml", '[hosts."a b"]\n', [
            "line 1: host name 'a b': expected letters, digits, '.', '-' or '_', at most 253 of them"
        ]),
        ("i.csv", "host,sites\n", ["line 1: unknown column 'sites'; did you mean 'site'?"]),
        ("i.csv", "site,cluster\n", [
            "line 1: no column 'host'; expected host,site,cluster,class,owner,purchase_date"
        ]),
        ("i.csv", "host;site;cluster\n", ["line 1: expected columns with commas between them"]),
        ("i.csv", "host,site,site\n", ["line 1: column 'site' is there twice"]),
        ("i.csv", "", [
            "line 1: no column 'host'; expected host,site,cluster,class,owner,purchase_date"
        ]),
        ("i.csv", "host,site\na,b\na,c\n", [
            "line 3: host 'a' is there already (line 2): remove one of them"
        ]),
        ("i.csv", "host,site\na,b,c\n", ["line 2: 3 values for 2 columns: check the commas"]),
        ("i.csv", "host,purchase_date\na,31.3.2021\nb,2021-02-30\n", [
            "line 2: purchase_date = '31.3.2021': expected a date such as 2021-03-31",
            "line 3: purchase_date = '2021-02-30': expected a date such as 2021-03-31",
        ]),
    ],
)  # fmt: skip
def test_a_fault_is_one_line_with_its_place(
    tmp_path: Path, name: str, text: str, expected: list[str]
) -> None:
    assert faults(write(tmp_path, name, text)) == expected


def test_what_toml_itself_refuses_names_the_line(tmp_path: Path) -> None:
    (line,) = faults(write(tmp_path, "i.toml", "[hosts.a]\n[hosts.a]\n"))

    assert line.startswith("is not valid TOML")
    assert "line 2" in line


def test_a_file_that_is_not_there_or_no_text_is_said_so(tmp_path: Path) -> None:
    assert faults(tmp_path / "none.toml") == ["cannot be read: No such file or directory"]
    binary = tmp_path / "i.csv"
    binary.write_bytes(b"host,site\n\xff\xfe,\x00\n")
    assert faults(binary) == ["is not text in UTF-8"]
