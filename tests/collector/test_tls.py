"""The file authority: what it makes, keeps, renews and refuses."""

import ipaddress
import logging
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from headroom_collector.tls import Authority, Files, TlsError
from headroom_core.identity import COLLECTOR_NAME, IdentityError

DAY = 86_400_000_000_000
NOW = 1_795_000_000_000_000_000


@dataclass
class HandClock:
    """A clock that is set by hand."""

    time: int = NOW

    def now(self) -> int:
        return self.time

    def monotonic(self) -> float:
        return self.time / 1e9


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def certificate(files: Files) -> x509.Certificate:
    return x509.load_pem_x509_certificate(files.cert.read_bytes())


def san(files: Files) -> x509.SubjectAlternativeName:
    found = certificate(files).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return found.value


def usage(files: Files) -> list[x509.ObjectIdentifier]:
    found = certificate(files).extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    return list(found.value)


def test_the_first_use_makes_an_authority_that_only_its_user_can_read(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    files = Authority.open(folder, HandClock()).issue_host("web-1")
    assert mode(folder) == 0o700
    assert mode(folder / "ca.key") == 0o600
    assert mode(files.key) == 0o600


def test_the_authority_is_kept_from_one_start_to_the_next(tmp_path: Path) -> None:
    Authority.open(tmp_path, HandClock())
    before = (tmp_path / "ca.pem").read_bytes()
    files = Authority.open(tmp_path, HandClock()).issue_host("web-1")
    assert (tmp_path / "ca.pem").read_bytes() == before
    assert files.ca.read_bytes() == before


def test_a_collectors_certificate_names_what_agents_check_and_dial(tmp_path: Path) -> None:
    files = Authority.open(tmp_path, HandClock()).collector_files(["10.1.2.3", "metrics.example"])
    names = san(files)
    assert set(names.get_values_for_type(x509.DNSName)) == {
        COLLECTOR_NAME,
        "localhost",
        "metrics.example",
    }
    assert set(names.get_values_for_type(x509.IPAddress)) == {
        ipaddress.ip_address(text) for text in ("127.0.0.1", "::1", "10.1.2.3")
    }
    assert usage(files) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_an_address_that_stands_for_every_interface_is_in_no_certificate(tmp_path: Path) -> None:
    files = Authority.open(tmp_path, HandClock()).collector_files(["0.0.0.0", "::"])
    addresses = san(files).get_values_for_type(x509.IPAddress)
    assert not any(address.is_unspecified for address in addresses)


def test_a_hosts_certificate_names_it_in_one_uri_and_is_for_clients_only(tmp_path: Path) -> None:
    files = Authority.open(tmp_path, HandClock()).issue_host("web-1")
    uris = san(files).get_values_for_type(x509.UniformResourceIdentifier)
    assert uris == ["headroom://estate/host/web-1"]
    assert len(san(files)) == 1
    assert usage(files) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert files.cert == tmp_path / "hosts" / "web-1" / "cert.pem"


def test_openssl_accepts_what_was_issued(tmp_path: Path) -> None:
    authority = Authority.open(tmp_path, HandClock())
    for files in (authority.collector_files([]), authority.issue_host("web-1")):
        context = ssl.create_default_context(cafile=str(files.ca))
        context.load_cert_chain(files.cert, files.key)


def test_a_certificate_stays_until_it_nears_its_end(tmp_path: Path) -> None:
    clock = HandClock()
    authority = Authority.open(tmp_path, clock)
    first = authority.issue_host("web-1").cert.read_bytes()
    clock.time = NOW + 200 * DAY
    assert authority.issue_host("web-1").cert.read_bytes() == first
    clock.time = NOW + 300 * DAY
    files = authority.issue_host("web-1")
    assert files.cert.read_bytes() != first
    assert certificate(files).not_valid_after_utc.timestamp() * 1e9 > clock.time + 300 * DAY


def test_a_collector_that_listens_elsewhere_gets_a_new_certificate(tmp_path: Path) -> None:
    authority = Authority.open(tmp_path, HandClock())
    first = authority.collector_files(["10.0.0.1"]).cert.read_bytes()
    assert authority.collector_files(["10.0.0.1"]).cert.read_bytes() == first
    assert authority.collector_files(["10.0.0.2"]).cert.read_bytes() != first


@pytest.mark.parametrize("name", ["cert.pem", "key.pem"])
def test_a_damaged_leaf_is_said_and_made_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    authority = Authority.open(tmp_path, HandClock())
    files = authority.issue_host("web-1")
    (files.cert.parent / name).write_text("no PEM")
    with caplog.at_level(logging.WARNING):
        again = authority.issue_host("web-1")
    assert [str(files.cert.parent / name) in line for line in caplog.messages] == [True]
    ssl.create_default_context(cafile=str(again.ca)).load_cert_chain(again.cert, again.key)


def test_a_leaf_of_another_authority_is_made_anew(tmp_path: Path) -> None:
    other = Authority.open(tmp_path / "a", HandClock()).issue_host("web-1")
    authority = Authority.open(tmp_path / "b", HandClock())
    files = authority.issue_host("web-1")
    for source, target in ((other.cert, files.cert), (other.key, files.key)):
        target.write_bytes(source.read_bytes())
    authority.issue_host("web-1")
    assert files.cert.read_bytes() != other.cert.read_bytes()


@pytest.mark.parametrize("name", ["ca.pem", "ca.key"])
def test_a_damaged_authority_is_refused_in_one_line_and_left_as_it_is(
    tmp_path: Path, name: str
) -> None:
    Authority.open(tmp_path, HandClock())
    (tmp_path / name).write_text("no PEM")
    with pytest.raises(TlsError) as caught:
        Authority.open(tmp_path, HandClock())
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (tmp_path / name).read_text() == "no PEM"


def test_an_authority_without_its_key_is_refused(tmp_path: Path) -> None:
    Authority.open(tmp_path, HandClock())
    (tmp_path / "ca.key").unlink()
    with pytest.raises(TlsError, match=r"ca\.key: is missing; restore"):
        Authority.open(tmp_path, HandClock())


def test_a_key_that_was_never_used_is_replaced(tmp_path: Path) -> None:
    """A first start that was killed between key and certificate."""
    Authority.open(tmp_path, HandClock())
    (tmp_path / "ca.pem").unlink()
    files = Authority.open(tmp_path, HandClock()).issue_host("web-1")
    ssl.create_default_context(cafile=str(files.ca)).load_cert_chain(files.cert, files.key)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TlsError, match="file"):
        Authority.open(tmp_path / "file" / "tls", HandClock())


def test_an_expired_authority_is_refused(tmp_path: Path) -> None:
    clock = HandClock()
    Authority.open(tmp_path, clock)
    clock.time = NOW + 3651 * DAY
    with pytest.raises(TlsError, match="expired"):
        Authority.open(tmp_path, clock)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 300])
def test_a_name_that_cannot_name_a_host_gets_no_certificate(tmp_path: Path, name: str) -> None:
    with pytest.raises(IdentityError):
        Authority.open(tmp_path, HandClock()).issue_host(name)


def test_no_half_written_file_stays_behind(tmp_path: Path) -> None:
    Authority.open(tmp_path, HandClock()).issue_host("web-1")
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {"ca.pem", "ca.key", "cert.pem", "key.pem"}
