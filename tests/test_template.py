"""What main.json declares, read from the file."""

from akswi_helpers import inventory, template


def test_declared_counts_loops_and_modules() -> None:
    declared = template.declared()
    assert declared[inventory.CLUSTER] == 1
    assert declared[inventory.VAULT] == declared[inventory.SECRET] == 5
    assert declared[inventory.IDENTITY] == 3
    assert declared[inventory.CREDENTIAL] == 2
    assert declared[inventory.ROLE] == 9


def test_hash_is_bicep_s_own() -> None:
    assert template.hash_of_main().isdigit()


def test_node_pools_are_two_of_one_node_each() -> None:
    assert template.node_pools() == [("Standard_D2s_v5", 1), ("Standard_D2s_v5", 1)]
