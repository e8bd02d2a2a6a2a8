// The editing grid in the browser. It shows texts and sends what was typed; what a text means, and whether it is
// right, is decided in Python, which answers with the rows as they are now. Everything is set as text, never as HTML.

const HEIGHT = 28; // of a row, in pixels, as in grid.css
const BLOCK = 60; // rows that are asked for at once
const MARGIN = 8; // rows drawn above and below those that are seen
const WAITING_MS = 1000;
const VIEWS = ["all rows", "edited", "wrong", "new", "to delete"];
const KEYS =
  "Arrow keys move, with Shift they select. Enter or typing edits, Escape takes it back, Delete clears. " +
  "Control Z undoes, Control Y does it again. Control C and Control V copy and paste blocks of cells. " +
  "Enter on a header sorts. Tab leaves the grid.";
let views = 0;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") element.className = value;
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

class View {
  constructor(model, el) {
    this.model = model;
    this.id = `wizframe-${++views}-${Math.random().toString(36).slice(2, 8)}`;
    this.columns = model.get("columns");
    this.active = { row: 0, col: 0 };
    this.anchor = { row: 0, col: 0 };
    this.pending = new Map();
    this.sequence = 0;
    this.forget();
    this.build(el);
    this.onMessage = (message) => this.receive(message);
    this.onStatus = () => this.showStatus();
    model.on("msg:custom", this.onMessage);
    model.on("change:status", this.onStatus);
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.scroll);
    this.showStatus();
    this.draw();
  }

  end() {
    this.observer.disconnect();
    clearTimeout(this.finding);
    clearTimeout(this.waiting);
    this.model.off("msg:custom", this.onMessage);
    this.model.off("change:status", this.onStatus);
  }

  // ---- what is there

  build(el) {
    const button = (words, title, action) => {
      const made = make("button", { type: "button", title }, words);
      made.addEventListener("click", () => action());
      return made;
    };
    this.undo = button("Undo", "Take the last edit back (Control Z)", () => this.send({ kind: "undo" }));
    this.redo = button("Redo", "Do again what was undone (Control Y)", () => this.send({ kind: "redo" }));
    this.add = button("Add row", "Add a row for a new record, below all others", () => this.addRow());
    this.remove = button("Delete rows", "Ask for the selected records to be deleted", () => this.deleteRows());
    this.review = button("Review changes …", "See what would be sent, before anything is", () =>
      this.send({ kind: "review" }));
    this.review.className = "wiz-primary";
    this.find = make("input", { type: "search", placeholder: "Find rows …", "aria-label": "Find rows" });
    this.show = make("select", { "aria-label": "Which rows are shown" }, ...VIEWS.map((name) => make("option", {}, name)));
    this.find.addEventListener("input", () => {
      clearTimeout(this.finding);
      this.finding = setTimeout(() => this.sendFinding(), 250);
    });
    this.show.addEventListener("change", () => this.sendFinding());
    this.help = make("span", { class: "wiz-hidden", id: `${this.id}-keys` }, KEYS);
    const bar = make(
      "div", { class: "wiz-bar", role: "toolbar", "aria-label": "Editing" },
      this.undo, this.redo, this.add, this.remove, this.find, this.show, this.review, this.help,
    );
    this.body = make("tbody");
    this.table = make(
      "table",
      {
        role: "grid", tabindex: "0", "aria-label": this.model.get("label"), "aria-multiselectable": "true",
        "aria-colcount": this.columns.length + 1, "aria-describedby": `${this.id}-keys`,
      },
      this.buildColumns(), this.buildHead(), this.body,
    );
    this.scroll = make("div", { class: "wiz-scroll" }, this.table);
    this.why = make("span", { role: "status", class: "wiz-why" });
    this.counts = make("span", { class: "wiz-counts" });
    this.root = make("div", { class: "wizframe-editor" }, bar, this.scroll,
      make("div", { class: "wiz-status" }, this.why, this.counts));
    el.append(this.root);
    this.listen();
  }

  buildColumns() {
    const widths = [make("col", { class: "wiz-first" })];
    for (const column of this.columns) widths.push(make("col", { style: `width: ${column.width}ch` }));
    return make("colgroup", {}, ...widths);
  }

  buildHead() {
    this.heads = this.columns.map((column, col) => {
      const head = make("th", {
        role: "columnheader", scope: "col", id: `${this.id}-h-${col}`, "data-col": column.name, title: column.doc,
        "aria-colindex": col + 2, class: column.why ? "wiz-locked" : "",
      }, column.name);
      head.addEventListener("click", () => { this.select(-1, col); this.sort(col); });
      return head;
    });
    const corner = make("td", { role: "gridcell", "aria-colindex": 1 }, make("span", { class: "wiz-hidden" }, "row"));
    return make("thead", {}, make("tr", { role: "row", "aria-rowindex": 1 }, corner, ...this.heads));
  }

  listen() {
    const on = (element, name, action) => element.addEventListener(name, (event) => action.call(this, event));
    // The notebook has shortcuts of single letters; none of them is meant for what is typed here.
    for (const name of ["keydown", "keypress", "keyup", "copy", "cut", "paste"]) {
      on(this.root, name, (event) => event.stopPropagation());
    }
    on(this.scroll, "scroll", this.draw);
    on(this.table, "keydown", this.onKey);
    on(this.table, "copy", this.copy);
    on(this.table, "cut", (event) => { this.copy(event); this.clear(); });
    on(this.table, "paste", this.paste);
    on(this.body, "mousedown", this.onMouseDown);
    on(this.body, "mouseover", this.onMouseOver);
    on(this.body, "dblclick", () => this.edit());
  }

  // ---- rows

  forget() {
    this.rows = new Map(); // by place in the view
    this.places = new Map(); // by position in the frame
    this.asked = new Set();
  }

  get count() { return this.status ? this.status.shown : 0; }

  ask(place) {
    const block = Math.floor(place / BLOCK);
    if (this.asked.has(block)) return;
    this.asked.add(block);
    this.model.send({ kind: "rows", version: this.status.version, from: block * BLOCK, to: (block + 1) * BLOCK });
  }

  receive(message) {
    if (message.kind === "rows" && message.version === this.status.version) {
      message.rows.forEach((row, offset) => {
        this.rows.set(message.from + offset, row);
        this.places.set(row.at, message.from + offset);
      });
      this.draw(true);
    } else if (message.kind === "answer") {
      this.answered(message);
    }
  }

  answered(message) {
    if (message.view === this.id) {
      for (const [key, one] of this.pending) if (one.sequence <= message.sequence) this.pending.delete(key);
      if (message.go !== null && message.go !== undefined) this.select(message.go, this.firstFree(), false, true);
      this.say(message.said);
    }
    for (const row of message.rows) {
      const place = this.places.get(row.at);
      if (place !== undefined) this.rows.set(place, row);
    }
    this.draw(true);
  }

  send(content) {
    this.stopEditing(true);
    this.model.send({ ...content, view: this.id, sequence: ++this.sequence, version: this.status.version });
  }

  showStatus() {
    const before = this.status;
    this.status = this.model.get("status");
    if (before && before.version !== this.status.version) {
      this.stopEditing(true);
      this.forget();
    }
    const s = this.status;
    this.undo.disabled = !s.undo;
    this.redo.disabled = !s.redo;
    const many = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
    const said = [s.shown === s.rows ? many(s.rows, "row") : `${s.shown} of ${many(s.rows, "row")}`];
    if (s.edited) said.push(`${many(s.edited, "cell")} edited`);
    if (s.wrong) said.push(`${s.wrong} wrong`);
    if (s.added) said.push(`${s.added} new`);
    if (s.gone) said.push(`${s.gone} to delete`);
    this.counts.textContent = said.join(" · ");
    this.counts.classList.toggle("wiz-bad", s.wrong > 0);
    this.table.setAttribute("aria-rowcount", s.shown + 1);
    this.active.row = Math.min(this.active.row, s.shown - 1);
    this.anchor.row = Math.min(this.anchor.row, s.shown - 1);
    this.heads.forEach((head, col) => {
      const is = s.sort && s.sort[0] === col;
      head.setAttribute("aria-sort", is ? (s.sort[1] ? "ascending" : "descending") : "none");
    });
    this.draw(true);
  }

  sendFinding() {
    this.send({ kind: "find", text: this.find.value, view_of: this.show.value, sort: this.status.sort });
    this.scroll.scrollTop = 0;
  }

  sort(col) {
    const [by, ascending] = this.status.sort || [];
    const sort = by !== col ? [col, true] : ascending ? [col, false] : null;
    this.send({ kind: "find", text: this.find.value, view_of: this.show.value, sort });
  }

  // ---- drawing

  draw(isNew = false) {
    const top = this.scroll.scrollTop, seen = this.scroll.clientHeight || 400;
    const first = Math.max(0, Math.floor(top / HEIGHT) - MARGIN);
    const last = Math.min(this.count, Math.ceil((top + seen) / HEIGHT) + MARGIN);
    if (isNew !== true && first === this.first && last === this.last) return;
    this.first = first;
    this.last = last;
    const spacer = (rows) => make("tr", { "aria-hidden": "true", style: `height: ${rows * HEIGHT}px` });
    const drawn = [spacer(first)];
    for (let place = first; place < last; place++) drawn.push(this.drawRow(place));
    drawn.push(spacer(this.count - last));
    this.body.replaceChildren(...drawn);
    this.mark();
  }

  drawRow(place) {
    const row = this.rows.get(place);
    if (!row) this.ask(place);
    const head = make("th", { role: "rowheader", scope: "row", "aria-colindex": 1 }, row ? row.label : "");
    if (row && row.name) head.append(make("span", { class: "wiz-name" }, row.name));
    if (row) head.title = `${row.label}  ${row.name}`;
    if (row && row.new) head.append(make("span", { class: "wiz-tag" }, "new"));
    if (row && row.gone) head.append(make("span", { class: "wiz-tag" }, "delete"));
    head.addEventListener("mousedown", (event) => {
      this.select(place, 0, event.shiftKey);
      this.active = { row: place, col: this.columns.length - 1 };
      if (!event.shiftKey) this.anchor = { row: place, col: 0 };
      this.mark();
      this.table.focus({ preventScroll: true });
      event.preventDefault();
    });
    const cells = this.columns.map((column, col) => this.drawCell(row, place, col));
    const kind = row ? (row.gone ? "wiz-gone" : row.new ? "wiz-new" : "") : "wiz-waiting";
    return make("tr", { role: "row", "aria-rowindex": place + 2, class: kind }, head, ...cells);
  }

  drawCell(row, place, col) {
    const column = this.columns[col];
    const cell = make("td", {
      role: "gridcell", id: `${this.id}-${place}-${col}`, "aria-colindex": col + 2,
      "data-row": row ? row.at : null, "data-col": column.name, "data-place": place, "data-number": col,
    });
    if (!row) {
      cell.textContent = "…";
      return cell;
    }
    const { text, state, why } = this.cell(row, col);
    cell.textContent = state === "cleared" ? "(cleared)" : text;
    if (why || text.length > column.width) cell.title = why ? `${text}\n${why}` : text;
    const isLocked = this.isLocked(row, col);
    cell.setAttribute("aria-readonly", isLocked);
    if (isLocked) cell.classList.add("wiz-locked");
    if (state) cell.classList.add(`wiz-${state}`);
    if (state === "wrong") cell.setAttribute("aria-invalid", "true");
    return cell;
  }

  cell(row, col) {
    const pending = this.pending.get(`${row.at}:${col}`);
    if (pending) return { text: pending.text, raw: pending.text, state: "pending", why: "" };
    const [text, state = "", why = "", raw = text] = [].concat(row.cells[col]);
    return { text, state, why, raw };
  }

  isLocked(row, col) {
    const column = this.columns[col];
    return Boolean(column.why) && !(row.new && column.free_in_new);
  }

  get range() {
    const { active, anchor } = this;
    return {
      top: Math.max(0, Math.min(active.row, anchor.row)), bottom: Math.max(active.row, anchor.row),
      left: Math.min(active.col, anchor.col), right: Math.max(active.col, anchor.col),
    };
  }

  // Shows what is selected, without drawing anything anew: a screen reader follows the active cell.
  mark() {
    const { top, bottom, left, right } = this.range;
    const several = top !== bottom || left !== right;
    let current = null;
    for (const cell of this.body.querySelectorAll("td")) {
      const place = Number(cell.dataset.place), col = Number(cell.dataset.number);
      const isIn = place >= top && place <= bottom && col >= left && col <= right;
      const isActive = place === this.active.row && col === this.active.col;
      cell.setAttribute("aria-selected", isIn);
      cell.classList.toggle("wiz-selected", isIn && several);
      cell.classList.toggle("wiz-active", isActive);
      if (isActive) current = cell;
    }
    this.heads.forEach((head, col) => {
      const isActive = this.active.row === -1 && this.active.col === col;
      head.classList.toggle("wiz-active", isActive);
      if (isActive) current = head;
    });
    if (current) this.table.setAttribute("aria-activedescendant", current.id);
    else this.table.removeAttribute("aria-activedescendant");
    const row = this.rows.get(this.active.row);
    this.remove.textContent = row && row.gone ? "Keep rows" : "Delete rows";
    if (row && !this.isSaid) {
      const { why, state } = this.cell(row, this.active.col);
      this.why.textContent = why && `${this.columns[this.active.col].name}: ${why}`;
      this.why.classList.toggle("wiz-bad", state === "wrong");
    }
  }

  say(text) {
    this.isSaid = Boolean(text);
    this.why.classList.remove("wiz-bad");
    this.why.textContent = text || "";
    clearTimeout(this.waiting);
    if (this.pending.size) this.waiting = setTimeout(() => this.sayWaiting(), WAITING_MS);
  }

  sayWaiting() {
    if (this.pending.size) this.why.textContent = "waiting for Python, which is busy: your edits are kept in their order";
  }

  // ---- moving

  select(row, col, extend = false, focus = false) {
    this.stopEditing(true);
    this.active = {
      row: Math.max(-1, Math.min(row, this.count - 1)), col: Math.max(0, Math.min(col, this.columns.length - 1)),
    };
    if (!extend) this.anchor = { ...this.active };
    this.isSaid = false;
    this.reveal();
    this.draw();
    this.mark();
    if (focus) this.table.focus({ preventScroll: true });
  }

  reveal() {
    const { scroll, active } = this;
    const head = this.table.tHead.offsetHeight;
    const top = active.row * HEIGHT, seen = scroll.clientHeight - head;
    if (active.row >= 0) {
      if (top < scroll.scrollTop) scroll.scrollTop = top;
      else if (top + HEIGHT > scroll.scrollTop + seen) scroll.scrollTop = top + HEIGHT - seen;
    }
    const cell = this.heads[active.col], label = this.table.tHead.rows[0].cells[0].offsetWidth;
    const right = cell.offsetLeft + cell.offsetWidth - scroll.clientWidth, left = cell.offsetLeft - label;
    scroll.scrollLeft = Math.min(Math.max(scroll.scrollLeft, right), left); // its beginning, where not all of it fits
  }

  firstFree() {
    const free = this.columns.findIndex((column) => !column.why);
    return free < 0 ? 0 : free;
  }

  onKey(event) {
    if (this.editor) return;
    const control = event.ctrlKey || event.metaKey;
    const { row, col } = this.active;
    const page = Math.max(1, Math.floor((this.scroll.clientHeight - HEIGHT) / HEIGHT) - 1);
    const moves = {
      ArrowUp: [control ? 0 : row - 1, col], ArrowDown: [control ? this.count - 1 : row + 1, col],
      ArrowLeft: [row, control ? 0 : col - 1], ArrowRight: [row, control ? this.columns.length - 1 : col + 1],
      Home: [control ? 0 : row, 0], End: [control ? this.count - 1 : row, this.columns.length - 1],
      PageUp: [Math.max(0, row - page), col], PageDown: [row + page, col],
    };
    const letter = event.key.toLowerCase();
    if (moves[event.key]) this.select(...moves[event.key], event.shiftKey);
    else if (control && letter === "z") this.send({ kind: event.shiftKey ? "redo" : "undo" });
    else if (control && letter === "y") this.send({ kind: "redo" });
    else if (control && letter === "a") this.selectAll();
    else if (event.key === "Escape") this.select(row, col);
    else if (row === -1 && (event.key === "Enter" || event.key === " ")) this.sort(col);
    else if (event.key === "Enter" || event.key === "F2") this.edit();
    else if (event.key === "Delete" || event.key === "Backspace") this.clear();
    else if (event.key.length === 1 && !control && !event.altKey) this.edit(event.key);
    else return;
    event.preventDefault();
  }

  selectAll() {
    this.anchor = { row: 0, col: 0 };
    this.active = { row: this.count - 1, col: this.columns.length - 1 };
    this.mark();
  }

  onMouseDown(event) {
    const cell = event.target.closest("td[data-place]");
    if (!cell || event.button !== 0) return;
    this.select(Number(cell.dataset.place), Number(cell.dataset.number), event.shiftKey, true);
    event.preventDefault();
  }

  onMouseOver(event) {
    const cell = event.target.closest("td[data-place]");
    if (!cell || event.buttons !== 1 || this.editor || document.activeElement !== this.table) return;
    this.active = { row: Number(cell.dataset.place), col: Number(cell.dataset.number) };
    this.mark();
  }

  // ---- editing

  edit(typed) {
    const place = this.active.row, col = this.active.col, row = this.rows.get(place);
    if (!row || this.editor) return;
    const column = this.columns[col];
    if (this.isLocked(row, col)) {
      this.say(`${column.name} is ${column.why}`);
      return;
    }
    const { raw } = this.cell(row, col);
    this.openEditor(row, place, col, raw, typed);
  }

  openEditor(row, place, col, raw, typed) {
    const column = this.columns[col], cell = document.getElementById(`${this.id}-${place}-${col}`);
    if (!cell) return;
    const label = `${column.name}, row ${row.label}`;
    const input = column.choices
      ? this.makeChoice(column, raw, label)
      : make(raw.includes("\n") ? "textarea" : "input", { "aria-label": label, autocomplete: "off", spellcheck: "false" });
    if (!column.choices) {
      input.value = raw;
      if (column.suggestions.length && input.tagName === "INPUT") input.setAttribute("list", this.suggest(column, col));
    }
    const box = make("div", { class: "wiz-cell-editor" }, input);
    Object.assign(box.style, {
      left: `${cell.offsetLeft}px`, top: `${cell.offsetTop}px`,
      width: `${Math.max(cell.offsetWidth, 120)}px`, minHeight: `${HEIGHT}px`,
    });
    this.editor = { box, input, row, col, raw, shown: input.value }; // a field may show a text otherwise than it is
    if (typed !== undefined && !column.choices) input.value = typed;
    this.scroll.append(box);
    input.addEventListener("keydown", (event) => this.onEditorKey(event));
    input.addEventListener("blur", () => this.stopEditing(true));
    input.focus({ preventScroll: true });
    if (!column.choices) input.setSelectionRange(input.value.length, input.value.length);
  }

  makeChoice(column, raw, label) {
    const texts = column.choices.includes(raw) ? column.choices : [raw, ...column.choices];
    const input = make("select", { "aria-label": label }, ...texts.map((text) => make("option", { value: text }, text)));
    input.value = raw;
    return input;
  }

  suggest(column, col) {
    const id = `${this.id}-list-${col}`;
    if (!document.getElementById(id)) {
      this.root.append(make("datalist", { id }, ...column.suggestions.map((value) => make("option", { value }))));
    }
    return id;
  }

  onEditorKey(event) {
    const { row, col } = this.active;
    if (event.isComposing) return;
    if (event.key === "Escape") this.stopEditing(false);
    else if (event.key === "Enter" && event.altKey) this.breakLine();
    else if (event.key === "Enter") this.select(row + (event.shiftKey ? -1 : 1), col, false, true);
    else if (event.key === "Tab") this.select(row, col + (event.shiftKey ? -1 : 1), false, true);
    else return;
    event.preventDefault();
  }

  // A line end in a cell needs another kind of field.
  breakLine() {
    const { input } = this.editor;
    if (input.tagName === "SELECT") return;
    const area = make("textarea", { "aria-label": input.getAttribute("aria-label"), spellcheck: "false" });
    const at = input.selectionStart;
    area.value = `${input.value.slice(0, at)}\n${input.value.slice(input.selectionEnd)}`;
    area.addEventListener("keydown", (event) => this.onEditorKey(event));
    const editor = { ...this.editor, input: area };
    this.editor = null; // the field that goes is not to end the editing
    input.replaceWith(area);
    this.editor = editor;
    area.addEventListener("blur", () => this.stopEditing(true));
    area.focus({ preventScroll: true });
    area.setSelectionRange(at + 1, at + 1);
  }

  stopEditing(isKept) {
    if (!this.editor) return;
    const { box, input, row, col, raw, shown } = this.editor;
    this.editor = null;
    const hadFocus = box.contains(document.activeElement);
    box.remove();
    if (hadFocus) this.table.focus({ preventScroll: true });
    if (!isKept || input.value === shown) return;
    // A field gives every line end as \n.
    this.sendCells([[row.at, col, raw.includes("\r\n") ? input.value.replaceAll("\n", "\r\n") : input.value]]);
  }

  sendCells(cells) {
    for (const [at, col, text] of cells) this.pending.set(`${at}:${col}`, { text, sequence: this.sequence + 1 });
    this.send({ kind: "edit", cells });
    this.say("");
    this.draw(true);
  }

  // Calls back with each selected row that is loaded; false where one is not.
  selected() {
    const { top, bottom } = this.range;
    const rows = [];
    let isThere = true;
    for (let place = top; place <= bottom; place++) {
      const row = this.rows.get(place);
      if (row) rows.push(row);
      else { this.ask(place); isThere = false; }
    }
    if (!isThere) this.say("the selected rows are still being loaded: try again");
    return isThere ? rows : null;
  }

  clear() {
    const rows = this.selected();
    if (!rows) return;
    const { left, right } = this.range, cells = [];
    for (const row of rows) for (let col = left; col <= right; col++) cells.push([row.at, col, ""]);
    this.send({ kind: "edit", cells });
  }

  addRow() {
    const row = this.rows.get(this.active.row);
    this.send({ kind: "add", like: row ? row.at : null });
  }

  deleteRows() {
    const rows = this.selected();
    if (rows) this.send({ kind: "delete", rows: rows.map((row) => row.at), is_to_go: !rows.every((row) => row.gone) });
  }

  // Two forms: plain, and as a table of texts, so that a spreadsheet makes no numbers and no formulas of them.
  copy(event) {
    const rows = this.selected();
    event.preventDefault();
    if (!rows) return;
    const { left, right } = this.range;
    const block = rows.map((row) => this.columns.slice(left, right + 1).map((_, offset) => this.cell(row, left + offset).raw));
    const quoted = (text) => (/[\t\r\n"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const single = block.length === 1 && block[0].length === 1;
    const plain = single ? block[0][0] : block.map((line) => line.map(quoted).join("\t")).join("\n");
    const cell = (text) => make("td", { style: "mso-number-format:'\\@'; white-space: pre-wrap" }, text);
    const table = make("table", {}, ...block.map((line) => make("tr", {}, ...line.map(cell))));
    event.clipboardData.setData("text/plain", plain);
    event.clipboardData.setData("text/html", table.outerHTML);
  }

  paste(event) {
    event.preventDefault();
    const text = event.clipboardData.getData("text/plain");
    const { top, bottom, left, right } = this.range;
    if (text && this.active.row >= 0) {
      this.send({ kind: "paste", row: top, col: left, height: bottom - top + 1, width: right - left + 1, text });
    }
  }
}

function render({ model, el }) {
  const view = new View(model, el);
  return () => view.end();
}

export default { render };
