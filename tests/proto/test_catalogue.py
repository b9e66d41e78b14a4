def test_what_is_only_told_is_no_label_of_a_series() -> None:
    kind = catalogue().kind("energy")
    labels = {"source": "model", "kind": "modelled", "basis": "a server of 2 threads"}
    assert kind.series(labels) == {"source": "model", "kind": "modelled"}
