"use strict";
// The table of documents, the sheet of one document, and the theme. Texts enter the page as text, never as markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (name) => document.getElementById(name);
  const FIELDS = 4; // columns of metadata; a document shows all of them
  const count = data.id.length;
  const format = new Intl.NumberFormat("en");
  const collator = new Intl.Collator("en", { numeric: true });

  function element(tag, options = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(options)) {
      if (name === "class") made.className = value;
      else if (name in made && name !== "scope") made[name] = value;
      else made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  function signed(value, digits = 3) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    const text = size === 0 ? "0" : size < 1e-4 ? size.toExponential(digits - 1) : size.toPrecision(digits);
    return (value < 0 ? "−" : "+") + text;
  }

  const rank = (row) => (data.rank ? data.rank[row] : row + 1);
  const effect = (value) => (data.sign * value < 0 ? "carries the bias" : "works against it");

  // Columns: how a cell is written, and by what it is sorted.
  const columns = [
    { name: "Rank", key: rank, cell: (row) => format.format(rank(row)) },
    { name: "Document", text: true, key: (row) => data.id[row] },
    { name: "Influence", key: (row) => data.influence[row], cell: (row) => signed(data.influence[row]) },
  ];
  if (data.stderr) columns.push({ name: "Standard error", key: (row) => data.stderr[row], cell: (row) => signed(data.stderr[row]).replace("+", "") });
  if (data.agreement) columns.push({ name: "Models that agree", key: (row) => data.agreement[row], cell: (row) => (data.agreement[row] === null ? "–" : Math.round(100 * data.agreement[row]) + "%") });
  columns.push({ name: "Words", key: (row) => data.tokens[row], cell: (row) => format.format(data.tokens[row]) });
  for (const field of data.fields.slice(0, FIELDS)) {
    const value = (row) => (field.codes[row] < 0 ? "" : field.values[field.codes[row]]);
    const key = field.numeric ? (row) => (value(row) === "" ? null : Number(value(row))) : value;
    columns.push({ name: field.name, text: !field.numeric, key, cell: value, value: true });
  }
  const opening = { name: "Text begins", text: true, cell: (row) => data.openings[row] || "", opening: true };
  columns.push(opening);

  let haystack = null;
  function search(words) {
    // Made when it is first needed: one lower-case line a document.
    haystack ||= data.id.map((id, row) =>
      [id, ...data.fields.map((f) => (f.codes[row] < 0 ? "" : `${f.name}:${f.values[f.codes[row]]}`)), data.openings[row] || ""].join(" ").toLowerCase());
    const found = [];
    for (let row = 0; row < count; row += 1) if (words.every((word) => haystack[row].includes(word))) found.push(row);
    return found;
  }

  const state = { query: "", only: false, column: columns[0], descending: false, page: 0, size: 25 };
  let rows = [];

  function compute() {
    const words = state.query.toLowerCase().split(/\s+/).filter(Boolean);
    rows = words.length ? search(words) : Array.from({ length: count }, (_, row) => row);
    if (state.only) rows = rows.filter((row) => Object.hasOwn(data.documents, data.id[row]));
    const { column, descending } = state;
    if (column !== columns[0]) {
      const keys = new Map(rows.map((row) => [row, column.key(row)]));
      const missing = (key) => key === null || key === "" || key === undefined;
      rows.sort((a, b) => {
        const [x, y] = [keys.get(a), keys.get(b)];
        if (missing(x) || missing(y)) return missing(x) - missing(y) || a - b;
        const order = column.text ? collator.compare(x, y) : x - y;
        return (descending ? -order : order) || a - b;
      });
    } else if (descending) rows.reverse();
  }

  function drawHead() {
    const cells = columns.map((column) => {
      if (!column.key) return element("th", { scope: "col", class: "text" }, column.name);
      const button = element("button", { type: "button", class: "sorter" }, column.name);
      button.addEventListener("click", () => {
        state.descending = state.column === column ? !state.descending : false;
        state.column = column;
        state.page = 0;
        update();
      });
      column.head = element("th", { scope: "col", class: column.text ? "text" : "" }, button);
      return column.head;
    });
    byId("head").replaceChildren(element("tr", {}, ...cells));
  }

  function drawRow(row) {
    const line = element("tr", {});
    for (const column of columns) {
      if (column === columns[1]) {
        const open = element("button", { type: "button" }, data.id[row]);
        open.addEventListener("click", (event) => { event.stopPropagation(); show(row); });
        const cell = element("th", { scope: "row" }, open);
        if (Object.hasOwn(data.documents, data.id[row])) cell.append(" ", element("span", { class: "tag" }, "text"));
        line.append(cell);
      } else {
        const kind = column.opening ? "text opening" : column.value && column.text ? "text value" : "";
        const text = column.cell(row);
        line.append(element("td", { class: kind }, kind ? element("span", { title: text }, text) : text));
      }
    }
    line.addEventListener("click", () => show(row));
    return line;
  }

  function update() {
    compute();
    const pages = Math.max(1, Math.ceil(rows.length / state.size));
    state.page = Math.min(state.page, pages - 1);
    const first = state.page * state.size;
    const shown = rows.slice(first, first + state.size);
    byId("rows").replaceChildren(...shown.map(drawRow));
    for (const column of columns) {
      if (column.head) column.head.setAttribute("aria-sort", column !== state.column ? "none" : state.descending ? "descending" : "ascending");
    }
    const found = rows.length === count ? `${format.format(count)} documents` : `${format.format(rows.length)} of ${format.format(count)} documents`;
    byId("status").textContent = rows.length
      ? `${found}; showing ${format.format(first + 1)} to ${format.format(first + shown.length)}, page ${format.format(state.page + 1)} of ${format.format(pages)}`
      : `${found} match`;
    for (const name of ["first", "previous"]) byId(name).disabled = state.page === 0;
    for (const name of ["next", "last"]) byId(name).disabled = state.page >= pages - 1;
  }

  function turn(page) {
    state.page = page;
    update();
  }

  // One document.
  const sheet = byId("sheet");

  function table(caption, names, body, texts) {
    const cell = (value, place, tag = "td", more = {}) => element(tag, { class: texts.includes(place) ? "text" : "", ...more }, value);
    return element("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": caption },
      element("table", {},
        element("caption", {}, caption),
        element("thead", {}, element("tr", {}, ...names.map((name, place) => cell(name, place, "th", { scope: "col" })))),
        element("tbody", {}, ...body.map((line) => element("tr", {}, ...line.map((value, place) => (place ? cell(value, place) : cell(value, place, "th", { scope: "row" }))))))));
  }

  function passage(part, whole) {
    const box = element("p", { class: "passage" });
    if (part.start > 0) box.append("… ");
    part.words.forEach((word, place) => {
      if (place > 0 || whole) box.append(part.gaps[place]);
      const level = part.levels[place];
      const inTest = part.sets && part.sets[place] !== "-";
      let piece = word;
      if (inTest) piece = element("span", { class: "test-word", title: data.labels[part.sets[place]] || part.sets[place] }, word);
      if (level) piece = element("mark", { class: `${data.sign * level < 0 ? "carry" : "against"} d${Math.abs(level)}` }, piece);
      box.append(piece);
    });
    if (whole) box.append(part.gaps[part.words.length]);
    else box.append(" …");
    return box;
  }

  function associations(found) {
    return table(`${data.part}; now, and as predicted without this document`,
      ["Word", "Set", "Now", "Without", "Change"],
      found.associations.map(([word, set, before, after, change]) => [word, data.labels[set] || set, signed(before), signed(after), signed(change)]), [0, 1]);
  }

  function explainedParts(found) {
    const legend = element("p", { class: "small soft" },
      element("mark", { class: "carry d2" }, "word"), " carries the bias (solid line); ",
      element("mark", { class: "against d2" }, "word"), " works against it (wavy line), the stronger in the fuller colour; ",
      element("span", { class: "test-word" }, "word"), " belongs to the test.");
    const whole = found.passages.length === 1 && found.passages[0].end - found.passages[0].start === found.words;
    const parts = [element("h3", {}, whole ? "Text" : "Passages around the words that matter most"), legend];
    parts.push(...(found.passages.length ? found.passages.map((part) => passage(part, whole)) : [element("p", {}, "It has no words.")]));
    if (found.note) parts.push(element("p", { class: "small soft" }, `These are the tokens that were trained on: ${found.note}.`));
    if (found.pairs.length) {
      parts.push(element("h3", {}, "Why"));
      parts.push(table(`Pairs of words that matter most; they hold ${Math.round(100 * found.share)}% of the absolute influence`,
        ["Pair", "Times", "Words apart", "Influence"],
        found.pairs.map(([input, output, times, near, far, influence]) => [`${input} → ${output}`, String(times), near === far ? String(near) : `${near} to ${far}`, signed(influence)]), [0]));
      if (found.associations.some((each) => each[4])) parts.push(associations(found));
    } else parts.push(element("p", {}, "No pair of words here has an influence on this test."));
    return parts;
  }

  function show(row) {
    const id = data.id[row];
    const influence = data.influence[row];
    byId("sheet-title").textContent = id;
    const facts = [["Rank", `${format.format(rank(row))} of ${format.format(data.total)}`],
      ["Influence", `${signed(influence)}: ${effect(influence)}`], ["Words", format.format(data.tokens[row])]];
    for (const field of data.fields) if (field.codes[row] >= 0) facts.push([field.name, field.values[field.codes[row]]]);
    const list = element("dl", { class: "words" });
    for (const [name, value] of facts) list.append(element("dt", {}, name), element("dd", {}, value));
    const found = Object.hasOwn(data.documents, id) ? data.documents[id] : null;
    const quoted = `'${id.replaceAll("'", `'"'"'`)}'`;
    const parts = [list];
    if (found) parts.push(...explainedParts(found));
    else {
      if (data.openings[row]) parts.push(element("h3", {}, "Text begins"), element("p", { class: "passage" }, data.openings[row]));
      parts.push(element("p", {}, "The whole text is not in this page, which holds that of the documents at both ends. This shows it, with its words marked:"));
    }
    parts.push(element("pre", { tabIndex: 0 }, element("code", {}, `${data.explain} ${quoted}`)));
    byId("sheet-body").replaceChildren(...parts);
    sheet.showModal();
    sheet.scrollTop = 0;
  }

  byId("sheet-close").addEventListener("click", () => sheet.close());
  sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });

  byId("query").addEventListener("input", (event) => { state.query = event.target.value; turn(0); });
  byId("only").addEventListener("change", (event) => { state.only = event.target.checked; turn(0); });
  byId("size").addEventListener("change", (event) => { state.size = Number(event.target.value); turn(0); });
  byId("first").addEventListener("click", () => turn(0));
  byId("previous").addEventListener("click", () => turn(state.page - 1));
  byId("next").addEventListener("click", () => turn(state.page + 1));
  byId("last").addEventListener("click", () => turn(Math.ceil(rows.length / state.size) - 1));

  const theme = byId("theme");
  const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const name = () => { theme.textContent = dark() ? "Light theme" : "Dark theme"; };
  theme.addEventListener("click", () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; name(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);

  drawHead();
  update();
  name();
  byId("documents").hidden = false;
  theme.hidden = false;
})();
