// The editing grid in the browser. It shows texts and sends what is typed. Python decides what a text means and
// whether it is valid, and responds with the rows as they are now. Everything is set as text, never as HTML.

const HEIGHT = 28; // of a row, in pixels, as in grid.css
const BLOCK = 60; // rows in one request: more than a screen shows, so that most scrolling needs one request
const MARGIN = 8; // rows drawn above and below the visible ones, so that slow scrolling shows no empty rows
const SEARCH_DELAY_MS = 250; // after the last letter typed into the search
const BUSY_AFTER_MS = 1000; // without a response, the grid says that Python is busy
const FILTERS = ["all rows", "edited", "wrong", "new", "to delete"]; // as in edits.py
const KEYS =
  "Arrow keys move; with Shift they select. Enter or typing edits a cell, Escape cancels the edit, Delete clears " +
  "the cell. Control Z undoes, Control Y redoes. Control C and Control V copy and paste blocks of cells. " +
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
    clearTimeout(this.searching);
    clearTimeout(this.waiting);
    this.model.off("msg:custom", this.onMessage);
    this.model.off("change:status", this.onStatus);
  }

  // ---- building

  build(el) {
    const button = (words, title, action) => {
      const made = make("button", { type: "button", title }, words);
      made.addEventListener("click", () => action());
      return made;
    };
    this.undo = button("Undo", "Undo the last edit (Control Z)", () => this.send({ kind: "undo" }));
    this.redo = button("Redo", "Redo the edit that was undone (Control Y)", () => this.send({ kind: "redo" }));
    this.add = button("Add row", "Add a row for a new record at the end", () => this.addRow());
    this.remove = button("Delete rows", "Mark the selected records for deletion", () => this.deleteRows());
    this.review = button("Review changes …", "See what would be sent. Nothing is sent yet.", () =>
      this.send({ kind: "review" }));
    this.review.className = "wiz-primary";
    this.find = make("input", { type: "search", placeholder: "Find rows …", "aria-label": "Find rows" });
    this.show = make("select", { "aria-label": "Rows to show" }, ...FILTERS.map((name) => make("option", {}, name)));
    this.find.addEventListener("input", () => {
      clearTimeout(this.searching);
      this.searching = setTimeout(() => this.sendSearch(), SEARCH_DELAY_MS);
    });
    this.show.addEventListener("change", () => this.sendSearch());
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
        "aria-colindex": col + 2, class: column.lock ? "wiz-locked" : "",
      }, column.name);
      head.addEventListener("click", () => { this.select(-1, col); this.sort(col); });
      return head;
    });
    const corner = make("td", { role: "gridcell", "aria-colindex": 1 }, make("span", { class: "wiz-hidden" }, "row"));
    return make("thead", {}, make("tr", { role: "row", "aria-rowindex": 1 }, corner, ...this.heads));
  }

  listen() {
    const on = (element, name, action) => element.addEventListener(name, (event) => action.call(this, event));
    // The notebook has shortcuts of single letters: what is typed here must not reach it.
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
    this.rows = new Map(); // by place among the shown rows
    this.places = new Map(); // by position in the frame
    this.requested = new Set();
  }

  get count() { return this.status ? this.status.shown : 0; }

  request(place) {
    const block = Math.floor(place / BLOCK);
    if (this.requested.has(block)) return;
    this.requested.add(block);
    this.model.send({ kind: "rows", version: this.status.version, from: block * BLOCK, to: (block + 1) * BLOCK });
  }

  receive(message) {
    if (message.kind === "rows" && message.version === this.status.version) {
      message.rows.forEach((row, offset) => {
        this.rows.set(message.from + offset, row);
        this.places.set(row.position, message.from + offset);
      });
      this.draw(true);
    } else if (message.kind === "response") {
      this.receiveResponse(message);
    }
  }

  receiveResponse(response) {
    if (response.view === this.id) {
      for (const [key, one] of this.pending) if (one.sequence <= response.sequence) this.pending.delete(key);
      if (response.select !== null && response.select !== undefined) {
        this.select(response.select, this.firstFree(), false, true);
      }
      this.say(response.message);
    }
    for (const row of response.rows) {
      const place = this.places.get(row.position);
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
    this.undo.disabled = !s.can_undo;
    this.redo.disabled = !s.can_redo;
    const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
    const rows = counted(s.rows, "row");
    const counts = [s.shown === s.rows ? rows : `${s.shown.toLocaleString("en")} of ${rows}`];
    if (s.edited) counts.push(`${counted(s.edited, "cell")} edited`);
    if (s.wrong) counts.push(`${s.wrong} wrong`);
    if (s.new) counts.push(`${s.new} new`);
    if (s.to_delete) counts.push(`${s.to_delete} to delete`);
    this.counts.textContent = counts.join(" · ");
    this.counts.classList.toggle("wiz-bad", s.wrong > 0);
    this.table.setAttribute("aria-rowcount", s.shown + 1);
    this.active.row = Math.min(this.active.row, s.shown - 1);
    this.anchor.row = Math.min(this.anchor.row, s.shown - 1);
    this.heads.forEach((head, col) => {
      const isSorted = s.sort && s.sort[0] === col;
      head.setAttribute("aria-sort", isSorted ? (s.sort[1] ? "ascending" : "descending") : "none");
    });
    this.draw(true);
  }

  sendSearch() {
    this.send({ kind: "find", text: this.find.value, limit_to: this.show.value, sort: this.status.sort });
    this.scroll.scrollTop = 0;
  }

  sort(col) {
    const [by, ascending] = this.status.sort || [];
    const sort = by !== col ? [col, true] : ascending ? [col, false] : null;
    this.send({ kind: "find", text: this.find.value, limit_to: this.show.value, sort });
  }

  // ---- drawing

  draw(isNew = false) {
    const top = this.scroll.scrollTop;
    const visible = this.scroll.clientHeight || 400; // 0 before the page has a layout
    const first = Math.max(0, Math.floor(top / HEIGHT) - MARGIN);
    const last = Math.min(this.count, Math.ceil((top + visible) / HEIGHT) + MARGIN);
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
    if (!row) this.request(place);
    const head = make("th", { role: "rowheader", scope: "row", "aria-colindex": 1 }, row ? row.label : "");
    if (row && row.name) head.append(make("span", { class: "wiz-name" }, row.name));
    if (row) head.title = `${row.label}  ${row.name}`;
    if (row && row.new) head.append(make("span", { class: "wiz-tag" }, "new"));
    if (row && row.to_delete) head.append(make("span", { class: "wiz-tag" }, "delete"));
    head.addEventListener("mousedown", (event) => {
      this.select(place, 0, event.shiftKey);
      this.active = { row: place, col: this.columns.length - 1 };
      if (!event.shiftKey) this.anchor = { row: place, col: 0 };
      this.mark();
      this.table.focus({ preventScroll: true });
      event.preventDefault();
    });
    const cells = this.columns.map((column, col) => this.drawCell(row, place, col));
    const kind = row ? (row.to_delete ? "wiz-to-delete" : row.new ? "wiz-new" : "") : "wiz-waiting";
    return make("tr", { role: "row", "aria-rowindex": place + 2, class: kind }, head, ...cells);
  }

  drawCell(row, place, col) {
    const column = this.columns[col];
    const cell = make("td", {
      role: "gridcell", id: `${this.id}-${place}-${col}`, "aria-colindex": col + 2,
      "data-row": row ? row.position : null, "data-col": column.name, "data-place": place, "data-number": col,
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
    const pending = this.pending.get(`${row.position}:${col}`);
    if (pending) return { text: pending.text, raw: pending.text, state: "pending", why: "" };
    const [text, state = "", why = "", raw = text] = [].concat(row.cells[col]);
    return { text, state, why, raw };
  }

  isLocked(row, col) {
    const column = this.columns[col];
    return Boolean(column.lock) && !(row.new && column.free_in_new);
  }

  get range() {
    const { active, anchor } = this;
    return {
      top: Math.max(0, Math.min(active.row, anchor.row)), bottom: Math.max(active.row, anchor.row),
      left: Math.min(active.col, anchor.col), right: Math.max(active.col, anchor.col),
    };
  }

  // Shows the selection without drawing the rows again, because a screen reader follows the active cell's element.
  mark() {
    const { top, bottom, left, right } = this.range;
    const several = top !== bottom || left !== right;
    let current = null;
    for (const cell of this.body.querySelectorAll("td")) {
      const place = Number(cell.dataset.place), col = Number(cell.dataset.number);
      const isSelected = place >= top && place <= bottom && col >= left && col <= right;
      const isActive = place === this.active.row && col === this.active.col;
      cell.setAttribute("aria-selected", isSelected);
      cell.classList.toggle("wiz-selected", isSelected && several);
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
    this.remove.textContent = row && row.to_delete ? "Keep rows" : "Delete rows";
    if (row && !this.hasMessage) {
      const { why, state } = this.cell(row, this.active.col);
      this.why.textContent = why && `${this.columns[this.active.col].name}: ${why}`;
      this.why.classList.toggle("wiz-bad", state === "wrong");
    }
  }

  say(text) {
    this.hasMessage = Boolean(text);
    this.why.classList.remove("wiz-bad");
    this.why.textContent = text || "";
    clearTimeout(this.waiting);
    if (this.pending.size) this.waiting = setTimeout(() => this.sayBusy(), BUSY_AFTER_MS);
  }

  sayBusy() {
    if (this.pending.size) this.why.textContent = "Python is busy. Your edits wait and will be made in their order.";
  }

  // ---- moving

  select(row, col, extend = false, focus = false) {
    this.stopEditing(true);
    this.active = {
      row: Math.max(-1, Math.min(row, this.count - 1)), col: Math.max(0, Math.min(col, this.columns.length - 1)),
    };
    if (!extend) this.anchor = { ...this.active };
    this.hasMessage = false;
    this.reveal();
    this.draw();
    this.mark();
    if (focus) this.table.focus({ preventScroll: true });
  }

  reveal() {
    const { scroll, active } = this;
    const head = this.table.tHead.offsetHeight;
    const top = active.row * HEIGHT, visible = scroll.clientHeight - head;
    if (active.row >= 0) {
      if (top < scroll.scrollTop) scroll.scrollTop = top;
      else if (top + HEIGHT > scroll.scrollTop + visible) scroll.scrollTop = top + HEIGHT - visible;
    }
    const cell = this.heads[active.col], label = this.table.tHead.rows[0].cells[0].offsetWidth;
    const right = cell.offsetLeft + cell.offsetWidth - scroll.clientWidth, left = cell.offsetLeft - label;
    scroll.scrollLeft = Math.min(Math.max(scroll.scrollLeft, right), left); // a wide cell shows its beginning
  }

  firstFree() {
    const free = this.columns.findIndex((column) => !column.lock);
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
      this.say(`${column.name} is ${column.lock}`);
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
    this.editor = { box, input, row, col, raw, shown: input.value }; // a field may change the text, such as its line ends
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

  // An input field holds a single line, so a line end needs a text area.
  breakLine() {
    const { input } = this.editor;
    if (input.tagName === "SELECT") return;
    const area = make("textarea", { "aria-label": input.getAttribute("aria-label"), spellcheck: "false" });
    const at = input.selectionStart;
    area.value = `${input.value.slice(0, at)}\n${input.value.slice(input.selectionEnd)}`;
    area.addEventListener("keydown", (event) => this.onEditorKey(event));
    const editor = { ...this.editor, input: area };
    this.editor = null; // losing the old field must not end the editing
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
    // A text area turns every line end into \n.
    this.sendCells([[row.position, col, raw.includes("\r\n") ? input.value.replaceAll("\n", "\r\n") : input.value]]);
  }

  sendCells(cells) {
    for (const [position, col, text] of cells) this.pending.set(`${position}:${col}`, { text, sequence: this.sequence + 1 });
    this.send({ kind: "edit", cells });
    this.say("");
    this.draw(true);
  }

  // Returns the selected rows, or null if some of them are not loaded yet.
  selected() {
    const { top, bottom } = this.range;
    const rows = [];
    let isLoaded = true;
    for (let place = top; place <= bottom; place++) {
      const row = this.rows.get(place);
      if (row) rows.push(row);
      else { this.request(place); isLoaded = false; }
    }
    if (!isLoaded) this.say("The selected rows are still loading. Try again.");
    return isLoaded ? rows : null;
  }

  clear() {
    const rows = this.selected();
    if (!rows) return;
    const { left, right } = this.range, cells = [];
    for (const row of rows) for (let col = left; col <= right; col++) cells.push([row.position, col, ""]);
    this.send({ kind: "edit", cells });
  }

  addRow() {
    const row = this.rows.get(this.active.row);
    this.send({ kind: "add", sibling: row ? row.position : null });
  }

  deleteRows() {
    const rows = this.selected();
    if (!rows) return;
    const positions = rows.map((row) => row.position);
    this.send({ kind: "delete", rows: positions, is_to_delete: !rows.every((row) => row.to_delete) });
  }

  // Copies plain text and a table of text cells, because a spreadsheet reads plain text as numbers and formulas.
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
