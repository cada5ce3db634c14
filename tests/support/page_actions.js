// What a reader does with the page; the outcome is left in the document as JSON.
addEventListener("load", () => {
  const out = {}, $ = s => document.querySelector(s), $$ = s => [...document.querySelectorAll(s)];
  const press = key => document.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
  const shown = () => !$("#panel").hidden;
  const number = $('#table-accuracy a[data-r]');
  number.focus(); number.click();
  out.opened = shown(); out.value = $("#panel .value").textContent; out.recomputed = $("#recomputed").textContent;
  out.command = $("#panel code + button, #panel dd button").textContent;
  const raw = $("#panel details"); raw.open = true; raw.dispatchEvent(new Event("toggle"));
  out.raw = JSON.parse($("#panel pre").textContent).numbers.kind;
  const compare = $("#panel select"); compare.selectedIndex = 1; compare.dispatchEvent(new Event("change"));
  out.differs = $$("#panel td").length;
  press("Escape"); out.closed = !shown(); out.back = document.activeElement === number;
  const table = $("#table-class_iou_camvid_segnet_test_paper_v1 table"), head = table.tHead.rows[0].cells[2].firstChild;
  const column = () => [...table.tBodies[0].rows].map(row => parseFloat(row.cells[2].textContent));
  head.click(); out.rising = column(); head.click(); out.falling = column();
  const box = $("#table-coverage .columns input"), wide = $("#table-coverage table");
  box.checked = false;
  box.dispatchEvent(new Event("change"));
  out.hidden = getComputedStyle(wide.rows[1].cells[1]).display;
  const search = $("#search"); search.value = "bicyclist"; search.dispatchEvent(new Event("input"));
  const before = getComputedStyle(document.body).backgroundColor;
  $("#theme").click(); out.themes = [before, getComputedStyle(document.body).backgroundColor];
  const mark = $("svg g[tabindex]"); mark.focus(); out.tip = $("#tip").textContent; out.tipShown = !$("#tip").hidden;
  out.small = $$("button,select,a[data-r],summary,input[type=search]").filter(node => node.checkVisibility())
    .map(node => [node.outerHTML.slice(0, 80), node.getBoundingClientRect().height]).filter(([, height]) => height && height < 24);
  out.wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  setTimeout(() => {
    out.found = $("#found").textContent;
    const note = document.createElement("pre"); note.id = "outcome"; note.textContent = JSON.stringify(out);
    document.body.append(note);
  }, 400);
});
