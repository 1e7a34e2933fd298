"""A page of HTML as the tests read it: a tree, refused where tags do not match."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "br", "hr", "link", "img", "input"}


class Node:
    """An element: its name, attributes, and children that are nodes or texts."""

    def __init__(self, name, attributes):
        self.name, self.attributes, self.children = name, dict(attributes), []

    def walk(self):
        """This element and all inside it, in the page's order."""
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    def find(self, name, **attributes):
        """All elements of a name, with these attributes."""
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        return [
            node
            for node in self.walk()
            if node.name == name and wanted.items() <= node.attributes.items()
        ]

    @property
    def text(self):
        """All text inside it."""
        return "".join(c if isinstance(c, str) else c.text for c in self.children)

    @property
    def values(self):
        """The exact numbers inside it."""
        return [float(node.attributes["value"]) for node in self.find("data")]


class Page(HTMLParser):
    """The tree of a page."""

    def __init__(self, text):
        super().__init__()
        self.root = Node("document", [])
        self.open = [self.root]
        self.feed(text)
        self.close()
        assert self.open == [self.root], "elements that are not closed"

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"an attribute of {tag} is there twice"
        node = Node(tag, attrs)
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag, attrs):
        self.open[-1].children.append(Node(tag, attrs))

    def handle_endtag(self, tag):
        assert self.open.pop().name == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        self.open[-1].children.append(data)

    def table(self, caption):
        """Rows of the body of the table with this beginning of its caption, as nodes."""
        found = [
            t for t in self.root.find("table") if t.find("caption")[0].text.startswith(caption)
        ]
        assert len(found) == 1, caption
        return [row.find("th") + row.find("td") for row in found[0].find("tbody")[0].find("tr")]

    def section(self, name):
        """The section of that identifier, or None."""
        return next(iter(self.root.find("section", id=name)), None)
