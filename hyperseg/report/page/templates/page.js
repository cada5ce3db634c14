"use strict";
(() => {
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (value !== null) node.setAttribute(key, value);
  }
  node.append(...children.filter(child => child !== null && child !== undefined));
  return node;
};
const data = JSON.parse($("#data").textContent);
const open = node => {  // what records share is stored once
  if (Array.isArray(node)) return node.map(open);
  if (node && typeof node === "object") {
    if ("$" in node) return open(data.shared[node.$]);
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, open(value)]));
  }
  return node;
};
const recordOf = anchor => data.records[anchor] && data.records[anchor].record ? open(data.records[anchor].record) : null;
const median = values => {
  const sorted = [...values].sort((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};
const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;
const round = value => Number(value.toPrecision(6));

// ---- what a number is, and its value computed again from what the record holds
const classIous = matrix => matrix.map((row, i) => {
  const truth = row.reduce((a, b) => a + b, 0), found = matrix.reduce((sum, other) => sum + other[i], 0);
  const union = truth + found - row[i];
  return union ? 100 * row[i] / union : null;
});
const miou = numbers => {
  const ious = classIous(numbers.confusion_matrix);
  return mean(numbers.absent_classes === "zero" ? ious.map(x => x ?? 0) : ious.filter(x => x !== null));
};
const correct = matrix => 100 * matrix.reduce((sum, row, i) => sum + row[i], 0) / matrix.flat().reduce((a, b) => a + b, 0);
const FORMULAS = [
  [/^(miou_percent|ours_miou|difference_points)/, "evaluation", "mean over classes of TP / (TP + FP + FN), one confusion matrix over the split",
    n => [miou(n), n.miou_percent, "the confusion matrix"]],
  [/^pixel_accuracy/, "evaluation", "sum of the diagonal of the confusion matrix over its sum",
    n => [correct(n.confusion_matrix), n.pixel_accuracy_percent, "the confusion matrix"]],
  [/^iou_percent/, "evaluation", "TP / (TP + FP + FN) of the class, from one confusion matrix over the split", (n, row) => {
    const index = n.classes.findIndex(item => item.name === row);
    return index < 0 ? [miou(n), n.miou_percent, "the confusion matrix"]
      : [classIous(n.confusion_matrix)[index], n.classes[index].iou_percent, "the confusion matrix"];
  }],
  [/^(median_ms|point)/, "latency", "median of the raw samples, in ms", n => n.samples_ms
    ? [median(n.samples_ms), n.median_ms, "the raw samples"]
    : (n.process_medians_ms || []).length === 1 ? [n.process_medians_ms[0], n.median_ms, "the median of its one process"] : null],
  [/^(images_per_s|ours_fps)/, "latency", "images per second by the protocol's statistic", () => null],
  [/^(ratio|median_ms|value|largest)/, "bench", "median of the rounds; a ratio is the authors' median over the contender's in the same run",
    (n, row, cells) => {
      const timing = n.inference && n.inference.timings.find(item => cells.includes(item.name));
      return timing && timing.rounds_ms ? [median(timing.rounds_ms), timing.median_ms, "the rounds"] : null;
    }],
  [/^final_loss/, "training", "mean loss of the last epoch", n => [n.epochs.at(-1).loss, n.final_loss, "the last epoch"]],
  [/^best_miou/, "training", "largest mIoU scored while training", n => {
    const scored = n.epochs.map(point => point.miou_percent).filter(value => value !== null && value !== undefined);
    return [Math.max(...scored), Math.max(...scored), "the epochs"];
  }],
];
const explain = (key, record, row, cells) => {
  const found = FORMULAS.find(([pattern, kind]) => kind === record.numbers.kind && pattern.test(key));
  if (!found) return [null, null];
  let again = null;
  try { again = found[3](record.numbers, row, cells); } catch (error) { again = null; }
  return [found[2], again];
};

// ---- the side panel
const panel = $("#panel"), body = $("#panel-body");
let opener = null;
const field = (list, name, ...values) => {
  const shown = values.filter(value => value !== null && value !== undefined && value !== "");
  if (shown.length) list.append(make("dt", {}, name), make("dd", {}, ...shown));
};
const code = text => text ? make("code", {}, text) : null;
const leaves = (node, path = "", into = new Map()) => {
  if (node !== null && typeof node === "object")
    for (const [key, value] of Object.entries(node)) leaves(value, path ? `${path}.${key}` : key, into);
  else into.set(path, node);
  return into;
};
const ORDER = ["protocol", "dataset", "network", "config", "seed", "provenance.commit", "provenance", "numbers"];
const rank = path => { const at = ORDER.findIndex(name => path === name || path.startsWith(name + ".")); return at < 0 ? 99 : at; };
const difference = (one, other) => {
  const a = leaves(one), b = leaves(other), list = [];
  for (const path of new Set([...a.keys(), ...b.keys()]))
    if (a.get(path) !== b.get(path)) list.push([path, a.get(path), b.get(path)]);
  return list.sort((x, y) => rank(x[0]) - rank(y[0]) || (x[0] < y[0] ? -1 : 1));
};
const comparison = (anchor, record) => {
  const same = Object.entries(data.records).filter(([other, item]) => other !== anchor && item.record && open(item.record).numbers.kind === record.numbers.kind);
  if (!same.length) return null;
  const out = make("div");
  const choose = make("select", {"aria-label": "Compare with another record"}, make("option", {value: ""}, "compare with…"),
    ...same.slice(0, 400).map(([other, item]) => make("option", {value: other}, item.file)));
  choose.addEventListener("change", () => {
    out.replaceChildren();
    if (!choose.value) return;
    const found = difference(record, recordOf(choose.value));
    const rows = found.slice(0, 60).map(([path, a, b]) => make("tr", {}, make("th", {scope: "row"}, path), make("td", {}, String(a ?? "–")), make("td", {}, String(b ?? "–"))));
    out.append(make("p", {class: "soft"}, `${found.length} values differ, the most telling first.`),
      make("div", {class: "box"}, make("table", {}, make("tbody", {}, ...rows))));
  });
  return make("div", {}, choose, out);
};
const copyButton = text => make("button", {type: "button", on: {click: event => {
  const done = () => { event.target.textContent = "copied"; };
  if (navigator.clipboard && isSecureContext) navigator.clipboard.writeText(text).then(done, () => {});
  else { const area = make("textarea", {}, text); body.append(area); area.select(); document.execCommand("copy"); area.remove(); done(); }
}}}, "copy command");
const showRecord = (anchor, key, cell) => {
  const item = data.records[anchor], record = recordOf(anchor), part = make("section");
  part.append(make("h3", {}, item.file));
  if (!record) {
    part.append(make("p", {}, "This record lies beside the page: ", make("a", {href: (document.body.dataset.base || "") + item.beside}, item.beside), "."));
    return part;
  }
  const n = record.numbers, p = record.provenance, list = make("dl", {class: "facts"});
  const row = cell ? cell.closest("tr") : null;
  const cells = row ? $$("th,td", row).map(node => node.textContent.trim()) : [];
  const [formula, again] = explain(key, record, cells[0], cells);
  if (formula) field(list, "Formula", formula);
  if (again) {
    const good = Math.abs(again[0] - again[1]) <= 1e-6 * Math.max(1, Math.abs(again[1]));
    field(list, "Recomputed", make("b", {class: good ? "valid" : "invalid", id: "recomputed"},
      `${round(again[0])} ${good ? "✓" : `✕ the record says ${round(again[1])}`}`), ` just now, in this page, from ${again[2]}`);
  } else if (n.kind === "latency" && n.samples_file)
    field(list, "Recomputed", `by hyperseg recompute, from ${n.samples_file}`);
  field(list, "Network", `${record.network.id}, ${record.network.backbone}${record.network.slices ? `, ${record.network.slices} slices` : ""}`);
  field(list, "Protocol", record.protocol ? `${record.protocol.id} v${record.protocol.version}` : null);
  field(list, "Inside the clock", n.clock_stages ? n.clock_stages.join(", ") : null);
  field(list, "Dataset", record.dataset ? `${record.dataset.id}, ${record.dataset.split}, ${record.dataset.images} images, version ` : null, record.dataset ? code(record.dataset.version.slice(0, 12)) : null);
  field(list, "Weights", record.network.weights_sha256 ? code(record.network.weights_sha256) : "random: the time says nothing about accuracy");
  if (record.network.backbone_weights) field(list, "Backbone weights", `${record.network.backbone_weights.source}, ${record.network.backbone_weights.file} `, code(record.network.backbone_weights.sha256.slice(0, 12)));
  field(list, "Seed", record.seed === null ? null : String(record.seed));
  if (n.verdict) field(list, "Verdict", make("b", {class: n.verdict.verdict.toLowerCase()}, n.verdict.verdict), ...[...n.verdict.reasons, ...(n.verdict.advice || [])].map(text => make("div", {}, text)));
  field(list, "Commit", code(p.commit), p.dirty ? " with uncommitted changes" : p.dirty === false ? " (clean)" : null);
  field(list, "Machine", `${[...p.machine.gpus, p.machine.cpu].join(", ")}, ${p.machine.cpu_cores} cores, ${p.threads} threads (${p.machine.fingerprint})`);
  field(list, "Made", `${record.started_at.slice(0, 16).replace("T", " ")} UTC, took ${round(record.duration_s)} s`);
  const command = p.command.join(" ");
  field(list, "Command", code(command), " ", copyButton(command));
  field(list, "Record", code(item.sha256));
  part.append(list);
  const compare = comparison(anchor, record);
  if (compare) part.append(compare);
  const raw = make("details", {}, make("summary", {}, "raw record (JSON)"));
  raw.addEventListener("toggle", () => { if (raw.open && !$("pre", raw)) raw.append(make("pre", {}, JSON.stringify(record, null, 1))); });
  part.append(raw);
  return part;
};
const show = (anchors, key, text, cell) => {
  const known = anchors.filter(anchor => data.records[anchor]);
  if (!known.length) return false;
  body.replaceChildren(make("p", {class: "value"}, text || ""), ...known.slice(0, 12).map(anchor => showRecord(anchor, key, cell)));
  panel.hidden = false;
  panel.scrollTop = 0;
  $("#panel-close").focus({preventScroll: true});
  return true;
};
const close = () => {
  if (panel.hidden) return;
  panel.hidden = true;
  if (opener && opener.isConnected) opener.focus({preventScroll: true});
  opener = null;
};
$("#panel-close").addEventListener("click", close);
document.addEventListener("click", event => {
  const link = event.target.closest("[data-r]");
  if (!link) return;
  opener = link;
  const cell = link.closest("td,th"), table = link.closest("table");
  const key = cell && table ? $$("thead th", table)[cell.cellIndex]?.dataset.key || "" : link.dataset.q || "";
  if (show(link.dataset.r.split(" "), key, link.getAttribute("aria-label") || link.textContent.trim(), cell)) event.preventDefault();
});
document.addEventListener("keydown", event => {
  if (event.key === "Escape") close();
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
  if (event.key === "/" && !typing) { event.preventDefault(); $("#search").focus(); }
  if ((event.key === "Enter" || event.key === " ") && document.activeElement.matches("g[data-r]")) {
    event.preventDefault();
    document.activeElement.dispatchEvent(new MouseEvent("click", {bubbles: true}));
  }
});

// ---- figures: what a point is, on hover and focus
const tip = $("#tip");
const tell = event => {
  const mark = event.target.closest("g[tabindex]");
  if (!mark) { tip.hidden = true; return; }
  const box = mark.getBoundingClientRect();
  tip.textContent = mark.getAttribute("aria-label");
  tip.hidden = false;
  const left = Math.max(8, Math.min(box.left + scrollX, scrollX + document.documentElement.clientWidth - tip.offsetWidth - 8));
  tip.style.left = `${left}px`;
  tip.style.top = `${box.bottom + scrollY + 6}px`;
};
document.addEventListener("mouseover", tell);
document.addEventListener("focusin", tell);
document.addEventListener("focusout", () => { tip.hidden = true; });

// ---- tables: sort, hide columns, search, filter by campaign
const value = cell => {
  const text = cell.textContent.replace(/[\s\u202f\u00a0]/g, "").replace("−", "-");
  const number = parseFloat(text);
  return Number.isNaN(number) ? text.toLowerCase() : number;
};
const order = (a, b) => typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1;
for (const table of $$("table.data")) {
  const heads = $$("thead th", table);
  heads.forEach((head, index) => {
    const button = make("button", {type: "button", class: "sort"}, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const falling = head.getAttribute("aria-sort") === "ascending";
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const rows = $$("tbody tr", table).map(row => [value(row.cells[index]), row]);
      rows.sort((a, b) => (falling ? -1 : 1) * order(a[0], b[0]));
      $("tbody", table).append(...rows.map(([, row]) => row));
    });
  });
  if (heads.length > 4) {
    const menu = make("details", {class: "columns"}, make("summary", {}, "columns"));
    heads.forEach((head, index) => {
      if (!index) return;
      const box = make("input", {type: "checkbox", checked: ""});
      box.addEventListener("change", () => { for (const row of table.rows) if (row.cells[index]) row.cells[index].hidden = !box.checked; });
      menu.append(make("label", {}, box, head.textContent.trim()));
    });
    table.closest(".box").before(menu);
  }
}
const search = $("#search"), campaign = $("#campaign"), count = $("#found");
const filter = () => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean), wanted = campaign ? campaign.value : "";
  let hits = 0;
  for (const table of $$("table.data")) {
    let left = 0;
    for (const row of table.tBodies[0].rows) {
      const text = words.length ? row.textContent.toLowerCase() + " " + table.dataset.title : "";
      const fits = words.every(word => text.includes(word)) && (!wanted || !row.dataset.c || row.dataset.c === wanted);
      row.hidden = !fits;
      left += fits;
    }
    const whole = table.closest(".table");
    if (whole) whole.hidden = !left;
    hits += left;
  }
  if (words.length) for (const hidden of $$("details:not(.columns)")) if ($("table.data", hidden)) hidden.open = true;
  count.textContent = words.length || wanted ? `${hits} rows` : "";
};
let waiting = 0;
search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 120); });
if (campaign) campaign.addEventListener("change", filter);

// ---- one pane of other hardware at a time
for (const choose of $$("select.panes")) {
  const panes = $$(".pane", choose.closest("figure"));
  const turn = () => panes.forEach((pane, index) => { pane.hidden = choose.value !== "all" && Number(choose.value) !== index; });
  choose.addEventListener("change", turn);
  choose.hidden = false;
  choose.value = "0";
  turn();
}

// ---- light and dark, print
const theme = $("#theme");
theme.addEventListener("click", () => {
  const now = document.documentElement.style.colorScheme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  document.documentElement.style.colorScheme = now === "dark" ? "light" : "dark";
});
$("#print").addEventListener("click", () => print());
let folded = [];
addEventListener("beforeprint", () => { folded = $$("details.printed:not([open])"); folded.forEach(item => { item.open = true; }); });
addEventListener("afterprint", () => folded.forEach(item => { item.open = false; }));

// ---- an address may name a record: #record-0123456789ab or #record-0123456789ab/miou_percent_paper_v1
const follow = () => {
  const [anchor, key] = location.hash.slice(1).split("/");
  if (data.records[anchor]) show([anchor], key || "", "", null);
};
addEventListener("hashchange", follow);
follow();
document.documentElement.classList.add("alive");
})();
