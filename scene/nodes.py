"""Node trees in few lines: add a node with its properties, and give its inputs values or other nodes' outputs by name."""

from __future__ import annotations

from collections import Counter
from typing import Any


class Nodes:
    """Adds nodes to one tree. `add` returns the node's outputs, by name or number."""

    def __init__(self, tree: Any) -> None:
        self.tree = tree

    def add(self, kind: str, *numbered: Any, **named: Any) -> Outputs:
        """A node of `kind`: names that are its properties set these, others set or link inputs.

        `numbered` are pairs of input number and value, for inputs that are called differently in different versions.
        A trailing underscore escapes Python's words: `True_` is the input "True"; others stand for spaces. `Boolean_001` is an identifier.
        """
        node = self.tree.nodes.new(kind)
        inputs = {}
        for name, value in named.items():
            if name in node.bl_rna.properties and name not in ("Color", "Name"):
                setattr(node, name, value)
            else:
                inputs[name.rstrip("_")] = value
        for name, value in inputs.items():
            self._feed(_input(node, name), value)
        for number, value in zip(numbered[::2], numbered[1::2], strict=True):
            self._feed(node.inputs[number], value)
        return Outputs(node)

    def math(self, operation: str, *values: Any) -> Any:
        """The result of a Math node."""
        node = self.tree.nodes.new("ShaderNodeMath")
        node.operation = operation
        for socket, value in zip(node.inputs, values, strict=False):
            self._feed(socket, value)
        return node.outputs[0]

    def vector(self, operation: str, *values: Any) -> Any:
        """The result of a Vector Math node; a number stands for all three coordinates, except of SCALE."""
        node = self.tree.nodes.new("ShaderNodeVectorMath")
        node.operation = operation
        for socket, value in zip((socket for socket in node.inputs if socket.enabled), values, strict=True):
            self._feed(socket, (value,) * 3 if socket.type == "VECTOR" and isinstance(value, float) else value)
        return Outputs(node)[0]

    def compare(self, operation: str, a: Any, b: Any) -> Any:
        """The result of a Compare node for floats (geometry nodes only)."""
        return self.add("FunctionNodeCompare", data_type="FLOAT", operation=operation, A=a, B=b)["Result"]

    def arrange(self) -> None:
        """Put nodes in columns by their distance from the output, so that the tree can be read."""
        depth: dict[Any, int] = {node: 0 for node in self.tree.nodes}
        links = [(link.from_node, link.to_node) for link in reversed(self.tree.links)]
        for _ in range(len(depth)):
            moved = False
            for source, target in links:
                if depth[source] <= depth[target]:
                    depth[source] = depth[target] + 1
                    moved = True
            if not moved:
                break
        rows: Counter[int] = Counter()
        places: list[float] = []
        for column in depth.values():
            places += -220 * column, -180 * rows[column]
            rows[column] += 1
        self.tree.nodes.foreach_set("location", places)  # one by one, each would update the tree

    def _feed(self, socket: Any, value: Any) -> None:
        if hasattr(value, "is_output"):
            self.tree.links.new(value, socket)
        else:
            socket.default_value = value


class Outputs:
    """A node's outputs that are in use, by name or number."""

    def __init__(self, node: Any) -> None:
        self.node = node

    def __getitem__(self, key: str | int) -> Any:
        found = [socket for socket in self.node.outputs if socket.enabled]
        return found[key] if isinstance(key, int) else next(socket for socket in found if socket.name == key)


def _input(node: Any, name: str) -> Any:
    enabled = [socket for socket in node.inputs if socket.enabled]
    by_identifier = [socket for socket in enabled if socket.identifier == name]
    return (by_identifier or [socket for socket in enabled if socket.name in (name, name.replace("_", " "))])[0]
