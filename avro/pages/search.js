// Finds events and fields: every word must occur in the name, the meaning or `pii:<class>` of what is found.
"use strict";
const query = document.getElementById("query");
const found = document.getElementById("found");
const LIMIT = 60;

function link(href, text, meaning) {
  const line = document.createElement("a");
  const name = document.createElement("code");
  line.href = href;
  name.textContent = text;
  line.append(name, " ", meaning);
  return line;
}

function search(words) {
  const fits = (text) => words.every((word) => text.toLowerCase().includes(word));
  const lines = [];
  for (const [event, meaning, fields] of SEARCH_INDEX) {
    if (fits(`${event} ${meaning}`)) lines.push([0, `${event}.html`, event, meaning]);
    for (const [anchor, pii, doc] of fields) {
      const path = anchor.slice(anchor.indexOf(".") + 1);
      if (fits(`${event} ${path} ${doc} pii:${pii}`)) {
        lines.push([fits(path) ? 1 : 2, `${event}.html#${anchor}`, `${event} › ${path}`, doc]);
      }
    }
  }
  return lines.sort((one, other) => one[0] - other[0]);
}

function show() {
  const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  found.hidden = words.length === 0;
  if (found.hidden) return;
  const lines = search(words);
  found.replaceChildren(...lines.slice(0, LIMIT).map(([, ...line]) => link(...line)));
  const note = document.createElement("p");
  note.textContent = lines.length > LIMIT ? `and ${lines.length - LIMIT} more` : lines.length ? "" : "Nothing found.";
  found.append(note);
}

query.addEventListener("input", show);
query.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    query.value = "";
    show();
  }
});

// A search has an address of its own: index.html?q=pii:direct
query.value = new URLSearchParams(location.search).get("q") ?? "";
show();
