// What attributes alone cannot say. Everything here is found by data attributes, so that any screen may use it:
//
//   body[data-person]          whose page it is; each request says so, and shows the ticket that the sign-in gave
//   body[data-for]             whose record it shows, where its person reads and writes for several; each request says so
//   body[data-events]          the address of the server-sent events; they become the events postern:changed and
//                              postern:sync on body, and postern:thread on [data-thread] with a changed id
//   form[data-needs]           its [data-send] buttons wait until each [data-need] field holds text (or a checked
//                              radio); [data-why] says which is missing: the field's data-need. data-max limits
//                              characters, data-least asks for so many letters and digits, [data-count="ID"] counts those of the field with that id
//   [data-raw="BYTES"]         a field for a file, which is posted alone and as its bytes; one that is dropped onto the page
//                              counts as chosen there. One that is larger is cut off, and Postern refuses it
//   select[data-zone]          begins with the time zone of this computer
//   [data-focus]               takes the focus after a change of screen
//   details[data-menu]         closes on Escape and on a click elsewhere
//   form[data-look]            theme and text size, at once
//   [data-picker]              the list of offices: its button, its fieldset of radios
//   [data-autosave]            holds what is being typed, within a form: it is posted to its own hx-post, once typing stops
//                              (hx-trigger "input delay:1s, change") and whenever it hears postern:save
//   [data-opening]             marks a page that holds nothing yet: what its address names is asked for, with the ticket
//   [data-leaves]              a form that leaves this person's pages; what is unsaved goes first
//   [data-key="ctrl+l"]        the button that Ctrl L presses; so with other letters
//   body[data-lock]            after how many milliseconds without activity the screen locks
//   body[data-covered]         locked while words were on the page that could not be saved; they are kept, out of sight
//   body[data-window]          the desktop window shows the page, no browser
//   [data-brief]               in the toast: goes by itself after ten seconds
//   [data-begins]              the beginning of a letter that is not read yet; [data-below] shows while one is below what is in
//                              sight, and leads there
//   [data-focus-new]           takes the focus when a swap brought it and took away what had the focus
//   details[data-folds]        is opened and folded by what is drawn, unless somebody is at it or has written in it
//   [data-as-typed]            a field whose value counts as typed: it stays when its form is drawn again
//   [data-print]               prints the page; where the page has a [data-paper], that alone
//   [data-close-toast], [data-reveal="ID"]
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const windowed = "window" in document.body.dataset;

  // What the reader opened, or typed and nobody saved, stays when a screen is drawn again.
  htmx.registerExtension("postern", {
    htmx_before_morph_attr: (elt, { attrName }) =>
      !(attrName === "open" && elt.tagName === "DETAILS" && !folds(elt)) && attrName !== "aria-expanded",
    htmx_before_morph_node: (elt) => !(elt.matches?.("input, textarea, select") && unsaved.has(elt.closest("[data-autosave]"))) && !elt.matches?.(".picture:has(img)"),
  });

  // What says data-folds opens and folds with the page, unless somebody is at it.
  const folds = (elt) => "folds" in elt.dataset && !elt.contains(document.activeElement) && !$$("textarea", elt).some((t) => t.value.trim());

  // ---- whose page this is ----

  // The storage belongs to this origin, port and all: the ticket of the last sign-in is there for all its tabs, and for
  // no other server on this computer.
  const mark = () => ({ ticket: localStorage.getItem("postern.ticket") ?? "", person: document.body.dataset.person ?? "", for: document.body.dataset.for ?? "" });
  // How far the words of a request go. One that was given up may arrive after a newer one: Postern leaves it out.
  const page = String(Math.random()).slice(2);
  // What is done with words comes after them: it has a number of its own.
  let edits = 0, worded = 0;
  const edit = (n = worded) => `${page}.${n}`;
  const marked = (url, more = {}) => `${url}${url.includes("?") ? "&" : "?"}${new URLSearchParams({ ...mark(), ...more })}`;
  // What the page does by itself is no sign that somebody is there.
  const byItself = (ctx) => /^(postern:|every$|intersect$)/.test(ctx.sourceEvent?.type ?? "");

  document.addEventListener("htmx:config:request", (e) => {
    const { ctx } = e.detail, { ticket, person, for: about } = mark();
    const saves = ctx.sourceElement.matches("[data-autosave]");
    if (saves && ctx.sourceEvent?.type === "input" && !unsaved.has(ctx.sourceElement)) return e.preventDefault(); // the words went meanwhile
    Object.assign(ctx.request.headers, { "Postern-Ticket": ticket, "Postern-Person": person, "Postern-Edit": edit(saves ? worded : ++edits) });
    if (about) ctx.request.headers["Postern-For"] = about;
    if (byItself(ctx)) ctx.request.headers["Postern-Auto"] = "1";
    else act();
  });
  document.addEventListener("htmx:before:response", ({ detail: { ctx } }) => {
    const ticket = ctx.response.headers.get("Postern-Ticket");
    if (ticket) localStorage.setItem("postern.ticket", ticket);
  });

  // Who this page was drawn for is not signed in any more. Words that are nowhere else keep it where it is; a screen that
  // was just locked shows them to nobody.
  let over = false, title;
  document.addEventListener("postern:stale", () => {
    if (!unsaved.size) location.assign("/");
    else if (over) {
      if (!("covered" in document.body.dataset)) title = document.title;
      document.body.dataset.covered = "";
      document.title = "Locked - Postern";
      $("#covered").hidden = false;
    }
  });
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    if (ctx.response.status >= 300) return;
    over = false;
    if (!("covered" in document.body.dataset)) return;
    delete document.body.dataset.covered;
    document.title = title;
    $("#covered").hidden = true;
    $("#toast").replaceChildren();
  });

  // ask finds out whether the person is still signed in; if not, postern:stale comes of it.
  function ask() {
    if (document.body.dataset.person) htmx.trigger($("#ask"), "postern:ask", {}, false);
  }

  function ended() {
    over = true;
    localStorage.setItem("postern.locked", Date.now()); // tells the other tabs
    ask();
  }

  // A tab hears what another one did: that it locked the screen, or that somebody signed in there.
  addEventListener("storage", (e) => {
    if (windowed) return;
    if (e.key === "postern.locked") ask();
    if (e.key === "postern.ticket" && e.newValue && !document.body.dataset.person) location.reload();
  });

  // ---- whether somebody is here ----

  // Postern locks the screen where nobody does anything for a while. Reading and typing reach it once a minute at most.
  let acted = Date.now(), told = acted, telling;
  const soon = () => $("#toast [data-soon]");

  function act() {
    acted = Date.now();
    if (!windowed) localStorage.setItem("postern.acted", acted); // in whatever tab
    if (soon()) {
      soon().remove();
      clearTimeout(telling);
      return tellActive();
    }
    telling ??= setTimeout(tellActive, Math.max(0, told + 60000 - acted));
  }

  async function tellActive() {
    telling = undefined;
    told = Date.now();
    if (!document.body.dataset.person) return;
    const url = marked("/session/active", { ago: told - acted });
    const answer = await fetch(url, { method: "POST", headers: { "HX-Current-URL": location.href } }).catch(() => {});
    if (answer?.status === 401) ask();
  }

  // Half a minute before, it is said. Whatever the person does then keeps the screen open.
  setInterval(() => {
    const last = Math.max(acted, windowed ? 0 : Number(localStorage.getItem("postern.acted")));
    const near = !("covered" in document.body.dataset) && Date.now() - last > Number(document.body.dataset.lock ?? Infinity) - 30000;
    if (!near) soon()?.remove();
    else if (!soon()) $("#toast").append(document.getElementById("soon").content.cloneNode(true));
  }, 2500);

  for (const kind of ["keydown", "pointerdown", "wheel", "touchmove"]) addEventListener(kind, act, { capture: true, passive: true });

  document.addEventListener("keydown", (e) => {
    if (!(e.ctrlKey || e.metaKey) || e.altKey || e.shiftKey || e.isComposing) return;
    const key = e.key.toLowerCase();
    const button = $(`[data-key="ctrl+${CSS.escape(key)}"]`);
    // A browser would save the page as it stands, lists and notes and all.
    if (button || (key === "s" && document.body.dataset.person)) e.preventDefault();
    if (button && !e.repeat) button.click();
  });

  // ---- changes ----

  let stream;

  function tell(id) {
    const told = document.getElementById(id);
    if (told) $("#toast").replaceChildren(told.content.cloneNode(true));
  }

  function wake({ threads = [], texts = true, sync = true, all = false, beaten = false }) {
    if (beaten) tell("beaten");
    if (sync || texts) htmx.trigger(document.body, "postern:sync"); // the foot counts what waits
    if (!texts && !threads.length && !all) return;
    for (const elt of $$("[data-thread]")) {
      const id = elt.dataset.thread;
      if (all || (id ? threads.includes(id) : texts)) htmx.trigger(elt, "postern:thread", {}, false);
    }
    htmx.trigger(document.body, "postern:changed");
  }

  // The desktop window tells by events of its own: it has no streams on every platform, and no beacons on any.
  if (windowed) {
    runtime.EventsOn("postern:changed", (data) => wake(JSON.parse(data)));
    runtime.EventsOn("postern:over", ended);
  }

  // listen keeps a stream open while there is somebody to look: a browser has six connections for all tabs of a host,
  // and each stream takes one for good.
  function listen() {
    if (windowed) return;
    const url = document.body.dataset.events;
    if (!url || document.hidden) {
      stream?.close();
      stream = undefined;
      return;
    }
    if (stream && stream.readyState !== EventSource.CLOSED) return;
    stream = new EventSource(marked(url));
    stream.addEventListener("changed", (e) => wake(JSON.parse(e.data)));
    // What changed between the drawing of the page and this moment, or while the stream was broken, told nobody.
    stream.addEventListener("open", () => wake({ all: true }));
    stream.addEventListener("over", () => {
      stream.close();
      ended();
    });
  }

  setInterval(() => {
    listen();
    if (windowed ? document.body.dataset.events : stream && stream.readyState !== EventSource.OPEN) wake({ all: true });
  }, 20000);

  // ---- forms that say what they lack ----

  function lacking(field) {
    if (field.disabled) return "";
    if (field.type === "checkbox") return field.checked ? "" : field.dataset.need;
    const radio = field.matches("fieldset") || field.getAttribute("role") === "radiogroup";
    const text = radio ? ($("input:checked", field)?.value ?? "") : field.value;
    if (!text.trim()) return field.dataset.need;
    const least = Number(field.dataset.least ?? 0), given = (text.match(/[\p{L}\p{N}]/gu) ?? []).length;
    if (given < least) return `${least - given} more character${least - given > 1 ? "s" : ""} to go.`;
    const over = [...text].length - Number(field.dataset.max || Infinity);
    return over > 0 ? `Shorten the ${field.dataset.name || "text"} by ${over} character${over > 1 ? "s" : ""}.` : "";
  }

  function weigh(form) {
    const why = $$("[data-need]", form).map(lacking).find((s) => s) ?? "";
    for (const button of $$("[data-send]", form)) button.disabled = why !== "";
    for (const line of $$("[data-why]", form)) {
      line.hidden = why === "";
      const words = $("[data-words]", line) ?? line;
      if (words.textContent !== why) words.textContent = why;
    }
    for (const line of $$("[data-count]", form)) {
      const field = document.getElementById(line.dataset.count);
      if (!field) continue;
      const n = [...field.value].length, most = Number(field.dataset.max);
      line.textContent = `${n.toLocaleString("en-US")} of ${most.toLocaleString("en-US")}`;
      line.classList.toggle("bad", n > most);
    }
  }

  const weighAll = () => $$("form[data-needs]").forEach(weigh);

  for (const kind of ["input", "change"]) {
    document.addEventListener(kind, (e) => {
      const form = e.target.closest?.("form[data-needs]");
      if (form) weigh(form);
    });
  }

  // ---- what is being typed ----

  const unsaved = new Map(); // [data-autosave] with words that no answer has confirmed → the number of its last edit
  const tried = new WeakMap(); // the edit of it that was last sent
  const underway = new WeakMap(); // the answer to that

  const saved = ([box, edit]) => unsaved.get(box) === edit && unsaved.delete(box);
  const save = (box) => htmx.trigger(box, "postern:save", {}, false);

  document.addEventListener("input", (e) => {
    const box = e.target.closest?.("[data-autosave]");
    if (box) unsaved.set(box, (worded = ++edits));
  });
  // Some choices are no input. Before htmx saves them they are counted.
  document.addEventListener("change", (e) => e.target.closest?.("[data-autosave]") && (worded = ++edits), true);

  // Typing without a pause puts a save off again and again: every three seconds it waits no longer.
  setInterval(() => {
    for (const [box, edit] of unsaved) if (tried.get(box) !== edit) save(box);
  }, 3000);

  document.addEventListener("visibilitychange", () => {
    for (const box of unsaved.keys()) save(box);
    if (!document.hidden) wake({ all: true });
    listen();
  });

  // Whatever is posted from a form carries what is in it: a save, but also a review or a sending.
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    ctx.carries = [...unsaved].filter(([box]) => ctx.request.form?.contains(box));
    for (const [box, edit] of ctx.carries) tried.set(box, edit);
  });
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    const send = ctx.fetch;
    ctx.fetch = (...request) => {
      const answer = send(...request);
      for (const [box] of ctx.carries ?? []) underway.set(box, answer);
      return answer;
    };
    if (ctx.sourceElement.matches("[data-leaves]")) leave(ctx);
  });
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    if (ctx.response.status < 300) ctx.carries?.forEach(saved);
  });

  const letter = (box) => [marked(box.getAttribute("hx-post"), { auto: 1, edit: edit() }), new URLSearchParams(new FormData(box.closest("form")))];

  // keep saves a box past htmx, which does nothing for what has left the page. It answers whether Postern has it now.
  async function keep(box) {
    await underway.get(box)?.catch(() => {}); // else an older text might arrive after this one
    const edit = unsaved.get(box);
    const [url, body] = letter(box);
    const kept = await fetch(url, { method: "POST", body, signal: AbortSignal.timeout(5000) }).then((r) => r.ok, () => false);
    if (kept) saved([box, edit]);
    return kept;
  }

  // A swap takes a form away when a conversation is closed under its writer. What was typed is saved all the same, and
  // the screen drawn again shows it.
  document.addEventListener("htmx:after:swap", () => {
    for (const box of [...unsaved.keys()]) if (!box.isConnected) rescue(box);
  });

  async function rescue(box) {
    unsaved.delete(box);
    if (await keep(box)) return wake({ all: true });
    const told = document.getElementById("lost").content.cloneNode(true); // no later word takes its place
    $("[data-lost]", told).textContent = (box.matches("textarea") ? [box] : $$("textarea, input:not([type=hidden], [type=radio], [type=checkbox], [type=file])", box)).map((f) => f.value).filter((s) => s).join("\n");
    $("#rescued").append(told);
  }

  // Who leaves leaves nothing unsaved behind. What cannot be saved holds them back, once.
  let warned = false;

  function leave(ctx) {
    const send = ctx.fetch;
    ctx.fetch = async (...request) => {
      const drafted = unsaved.size > 0;
      const kept = await Promise.all([...unsaved.keys()].map(keep));
      if (kept.includes(false) && !warned) {
        warned = true;
        tell("unlocked");
        throw new DOMException("What was typed is not saved.", "AbortError");
      }
      // A new message has an address of its own once it was saved: its writer comes back to it.
      const box = $("[data-autosave]");
      if (location.pathname === "/messages/new" && drafted && box) ctx.request.headers["HX-Current-URL"] = box.getAttribute("hx-post");
      unsaved.clear();
      stream?.close(); // it would tell this page, too, that it is over
      const answer = await send(...request);
      if (answer.ok) localStorage.setItem("postern.locked", Date.now());
      return answer;
    };
  }

  const part = (url, body) =>
    windowed ? fetch(url, { method: "POST", body, keepalive: true }) : navigator.sendBeacon(url, body);
  addEventListener("pagehide", () => {
    for (const box of unsaved.keys()) part(...letter(box));
    unsaved.clear();
  });

  // ---- files ----

  // A file that is answered becomes a download here, for only what the page asks shows the ticket. As bytes, not as HTML, no
  // browser shows it as a page of this origin.
  document.addEventListener("htmx:before:response", (e) => {
    const { raw, headers } = e.detail.ctx.response;
    const [, plain, coded] = /^attachment; filename(?:="?([^"]+)"?|\*=utf-8''(.+))$/.exec(headers.get("Content-Disposition")) ?? [];
    const name = coded ? decodeURIComponent(coded) : plain;
    if (!name) return;
    e.preventDefault();
    download(name, raw).catch(() => tell("gone"));
  });

  async function download(name, answer) {
    const link = document.createElement("a");
    link.download = name;
    link.href = URL.createObjectURL(new Blob([await answer.arrayBuffer()]));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  // A file is posted as its bytes: WebKitGTK ends the whole program where a form holds one.
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    const field = ctx.sourceElement, most = Number(field.dataset.raw);
    if (!most || !field.files?.length) return;
    const send = ctx.fetch, file = field.files[0];
    ctx.fetch = async (url, request) => {
      const headers = { ...request.headers, "Content-Type": "application/octet-stream", "Postern-File": encodeURIComponent(file.name) };
      return send(url, { ...request, headers, body: await file.slice(0, most + 1).arrayBuffer() });
    };
  });

  // A file that misses the field would take the place of the page.
  for (const kind of ["dragover", "drop"])
    document.addEventListener(kind, (e) => {
      const field = $$("[data-raw]").find((f) => f.checkVisibility());
      if (!e.dataTransfer?.types.includes("Files")) return;
      e.preventDefault();
      if (kind === "dragover") e.dataTransfer.dropEffect = field ? "copy" : "none";
      else if (field && e.dataTransfer.files.length) {
        field.files = e.dataTransfer.files;
        field.dispatchEvent(new Event("change", { bubbles: true }));
      }
    });

  // ---- the window's own keys ----

  if (windowed)
    document.addEventListener("keydown", (e) => {
      if (!(e.ctrlKey || e.metaKey) || e.altKey || e.isComposing) return;
      const key = e.key.toLowerCase();
      if (!e.shiftKey && (key === "q" || key === "w")) runtime.Quit();
      else if (e.shiftKey && key === "n") htmx.ajax("POST", "/window", { swap: "none" });
      else return;
      e.preventDefault();
    });

  // ---- focus ----

  let moved = Boolean($("[data-opening]"));
  document.addEventListener("htmx:after:history:push", () => (moved = true));

  function settle() {
    const bad = $("[aria-invalid=true]");
    const there = document.activeElement;
    if (moved) {
      const main = $("#main");
      if (main) main.scrollTop = 0;
      newest();
      const goal = $("[data-focus-field]") ?? bad ?? (there?.matches("[autofocus]") ? there : $("[data-focus]"));
      goal?.focus({ preventScroll: !goal.matches("input,textarea,button") });
    } else if (there === document.body) {
      (bad ?? $("[data-focus-new]"))?.focus();
    }
    moved = false;
  }

  // A conversation opens at its newest letter where older ones are above it.
  function newest() {
    const scroll = $("[data-scroll-end]");
    if (scroll) scroll.scrollTop = scroll.scrollHeight;
    $("[data-newest]")?.scrollIntoView({ block: "nearest" });
  }

  // Who reads further up is not moved when a letter arrives: it is told.
  function below() {
    const button = $("[data-below]");
    if (!button) return;
    const foot = Math.min(innerHeight, $("#main").getBoundingClientRect().bottom);
    const next = $$("[data-begins]").find((e) => e.getBoundingClientRect().bottom > foot);
    button.hidden = !next;
    return next;
  }
  for (const kind of ["scroll", "resize"]) addEventListener(kind, below, { capture: true, passive: true });
  document.addEventListener("click", (e) => {
    const letter = e.target.closest("[data-below]") && below()?.parentElement;
    if (!letter) return;
    letter.focus({ preventScroll: true });
    letter.scrollIntoView({ block: "nearest" });
  });

  // The address says which row of the list is open, whatever was drawn when.
  function point() {
    for (const row of $$("#convos a")) {
      if (row.pathname === location.pathname) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  }

  // What is folded without anything to unfold it by is not folded; nor is what somebody is writing in.
  function unfold() {
    for (const fold of $$("details:not([open]):has(> summary[hidden])")) fold.open = true;
    const folded = document.activeElement?.closest("details:not([open], [data-menu])");
    if (folded && !folded.querySelector("summary")?.contains(document.activeElement)) folded.open = true;
  }

  document.addEventListener("htmx:after:swap", () => {
    listen();
    unfold();
    point();
    settle();
    for (const field of $$("[data-as-typed]")) field.value = field.value; // from now on it is not its attribute's
    placed();
    weighAll();
    below();
  });

  // A passphrase that was refused stays in its field, hidden by dots: typing replaces it, or the next try would be both together.
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx?.response?.status >= 400 && ctx.target?.id === "signin") $("#passphrase[aria-invalid=true]")?.select();
  });

  // A step that was refused leads to what is wrong with it.
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx?.response?.status >= 400 && ctx.target?.id === "wizard") $("#wizard [aria-invalid=true]")?.focus();
  });

  function placed() {
    for (const list of $$("select[data-zone]")) if (!list.value) list.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
  }

  // ---- menus, toast, look ----

  document.addEventListener("click", (e) => {
    for (const menu of $$("details[data-menu][open]")) if (!menu.contains(e.target)) menu.open = false;
    if (e.target.closest("[data-close-toast]")) e.target.closest(".toast-box").remove();
    if (e.target.closest("[data-print]")) windowed ? htmx.ajax("POST", "/window/print", { swap: "none" }) : print();
    // A name that is clicked leads to the passphrase, after the click has led to the name; keys go on to the next one.
    if (e.detail && e.target.closest("label.profile")) setTimeout(() => $("#passphrase").focus());
    // Who unfolds a place to write is in it at once. A click in WebKit leaves the focus where it was: what is drawn then would fold it again.
    const place = e.target.closest("[data-folds] > summary")?.parentElement;
    if (place) setTimeout(() => place.open && $("textarea", place)?.focus());
    const reveal = e.target.closest("[data-reveal]");
    if (reveal) {
      const input = document.getElementById(reveal.dataset.reveal);
      const hidden = input.type === "password";
      input.type = hidden ? "text" : "password";
      reveal.setAttribute("aria-pressed", String(hidden));
      input.focus();
    }
  });
  document.addEventListener("keydown", (e) => {
    if (e.key !== "Escape") return;
    const menu = e.target.closest?.("details[data-menu][open]");
    if (menu) {
      menu.open = false;
      $("summary", menu).focus();
      e.stopPropagation();
    }
  });
  document.addEventListener("change", (e) => {
    const form = e.target.closest?.("form[data-look]");
    if (!form) return;
    const look = new FormData(form), root = document.documentElement.dataset;
    const theme = { light: "postern", dark: "postern-dark" }[look.get("theme")];
    theme ? (root.theme = theme) : delete root.theme;
    look.get("size") === "100" ? delete root.size : (root.size = look.get("size"));
  });
  document.addEventListener("htmx:after:swap", () => {
    const brief = $("#toast [data-brief]");
    if (brief) setTimeout(() => brief.remove(), 10000);
  });
  document.addEventListener("htmx:error", (e) => {
    if (e.detail.error?.name === "AbortError" || !e.detail.ctx?.request) return;
    if (byItself(e.detail.ctx)) return; // it is asked again by itself
    tell("gone");
  });

  // ---- the list of offices ----

  let typed = "", pressed;

  function picker(elt) {
    const root = elt.closest?.("[data-picker]");
    return root && { root, button: $("button", root), list: $("fieldset", root), radios: $$("input[type=radio]", root) };
  }

  function openPicker(p, open) {
    p.list.hidden = !open;
    p.button.setAttribute("aria-expanded", String(open));
    filter(p, "");
    if (open) (p.radios.find((r) => r.checked) ?? p.radios[0])?.focus();
  }

  // Typing leaves the offices that hold what was typed; with none left, all stay.
  function filter(p, text) {
    typed = text;
    const holds = (radio) => radio.closest("label").textContent.toLowerCase().includes(text);
    const some = p.radios.some(holds);
    for (const radio of p.radios) radio.closest("label").hidden = some && !holds(radio);
    const line = $("[data-typed]", p.list);
    line.hidden = text === "";
    line.textContent = text && (some ? `Offices with “${text}”. Backspace shows more.` : `No office with “${text}”.`);
    const here = document.activeElement;
    if (text && some && here?.closest("label")?.hidden) p.radios.find(holds).focus();
  }

  function choose(p, radio) {
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
    openPicker(p, false);
    p.button.focus();
  }

  document.addEventListener("click", (e) => {
    for (const root of $$("[data-picker]")) {
      const p = picker(root);
      if (p.button.contains(e.target)) openPicker(p, p.list.hidden);
      else if (!p.list.hidden && !root.contains(e.target)) openPicker(p, false);
    }
    // A click on an option chooses it; arrows, which browsers report as clicks without a pointer, only move.
    const option = e.target.closest?.("[data-picker] label");
    if (option && e.detail > 0) choose(picker(option), $("input", option));
  });

  document.addEventListener("keydown", (e) => {
    const p = picker(e.target);
    if (!p) return;
    if (e.target === p.button) {
      if (e.key !== "ArrowDown" && e.key !== "ArrowUp") return;
      e.preventDefault();
      openPicker(p, true);
      return;
    }
    if (e.key === "Escape") {
      e.preventDefault();
      openPicker(p, false);
      p.button.focus();
    } else if (e.key === "Enter") {
      e.preventDefault();
      pressed = e.target; // chosen when the key comes up: the button that gets the focus must not see it go down
    } else if (e.key === "Tab") {
      openPicker(p, false);
    } else if (e.key === "Backspace") {
      e.preventDefault();
      filter(p, typed.slice(0, -1));
    } else if (e.key.length === 1 && !(e.key === " " && !typed) && !e.ctrlKey && !e.metaKey && !e.altKey) {
      e.preventDefault();
      filter(p, typed + e.key.toLowerCase());
    }
  });

  document.addEventListener("keyup", (e) => {
    if (e.key === "Enter" && pressed && pressed === e.target) choose(picker(pressed), pressed);
    if (e.key === "Enter") pressed = undefined;
  });

  // ---- start ----

  document.addEventListener("DOMContentLoaded", () => {
    if ($("[data-opening]")) htmx.ajax("GET", location.pathname + location.search, { target: "body", swap: "outerSync" });
    listen();
    weighAll();
    newest();
    below();
  });
})();
