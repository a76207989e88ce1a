// The staff's keys and what attributes alone cannot say on their screens. It does nothing where no desk is drawn.
//
//   [data-key="c"]       the control that a key presses; "E" is Shift E. A key exists where its
//                        control does. [data-go="u"] follows G
//   [data-row]           a conversation in the list: J and K go from one to the next
//   [data-now]           takes the focus as soon as it is drawn
//   [data-read]          is told (postern:read) once it has been on a visible screen
//   [data-panel-toggle]  shows or hides the patient panel, [data-open-keys] the help, [data-keys-switch] in it turns
//                        single-letter keys off
//   [data-arrows]        a list whose buttons the arrow keys walk; [data-first] takes the focus when its popover opens
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const root = document.documentElement;
  const shown = (elt) => elt?.checkVisibility?.() ?? false;

  // ---- keys ----

  const kept = "postern.keys";
  const single = () => localStorage.getItem(kept) !== "off";
  const keysOff = () => (single() ? delete root.dataset.keys : (root.dataset.keys = "off"));

  let after = 0; // until when a key follows G

  function press(key) {
    const control = $$(`[data-key="${CSS.escape(key)}"]`).find(shown);
    if (!control) return false;
    if (control.getAttribute("aria-pressed") === "true") $("#composer textarea")?.focus();
    else control.click();
    return true;
  }

  function move(step) {
    const rows = $$("[data-row]");
    const here = document.activeElement?.closest("[data-row]");
    const current = rows.findIndex((row) => row.getAttribute("aria-current") === "true");
    const from = here ? rows.indexOf(here) : current;
    const to = rows[from < 0 ? (step > 0 ? 0 : rows.length - 1) : from + step];
    if (!to) return;
    if ($(".desk.open") && !here) to.click();
    else to.focus();
  }

  function back(e, field) {
    if (field?.id === "search") {
      e.preventDefault();
      $("[data-close-search]")?.click();
      return;
    }
    const leave = $("#composer [data-key=Escape]");
    if (leave) leave.click();
    else if (!press("Escape")) ($("[data-row][aria-current]") ?? $("[data-row]"))?.focus();
  }

  document.addEventListener("keydown", (e) => {
    if (!$("#desk") || e.defaultPrevented || e.isComposing) return;
    const field = e.target.closest?.("textarea, select, input:not([type=checkbox], [type=radio])");
    const held = e.ctrlKey || e.metaKey;
    if (held && e.key === "Enter") {
      const form = field?.closest("form[data-write]");
      if (form && !e.repeat) form.requestSubmit($("[data-send]", form));
      return;
    }
    if (walk(e) || $("dialog[open], :popover-open")) return;
    if (e.key === "Escape") return back(e, field);
    if (field || held || e.altKey || e.repeat && !/^[jk]$/i.test(e.key) || !single()) return;
    const key = e.key.length === 1 && e.shiftKey ? e.key.toUpperCase() : e.key.toLowerCase();
    if (after > e.timeStamp) {
      after = 0;
      const to = /^[a-z]$/.test(key) && $(`[data-go="${key}"]`);
      if (to) {
        e.preventDefault();
        to.click();
        return;
      }
    }
    if (key === "g") after = e.timeStamp + 1500;
    else if (key === "j" || key === "k") move(key === "j" ? 1 : -1);
    else if (key === "p") panel();
    else if (key === "/" && $("#search")) $("#search").focus();
    else if (key.length !== 1 || !press(key)) return;
    e.preventDefault();
  });

  function walk(e) {
    const list = e.target.closest?.("[data-arrows]");
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (!list || !step) return false;
    const all = $$("button, a", list);
    all[(all.indexOf(e.target) + step + all.length) % all.length].focus();
    e.preventDefault();
    return true;
  }

  // ---- help, popovers, patient panel ----

  document.addEventListener("click", (e) => {
    if (e.target.closest("[data-open-keys]")) {
      $("[data-keys-switch]").checked = single();
      $("#keys").showModal();
    }
    if (e.target.closest("[data-panel-toggle]")) panel();
  });
  document.addEventListener("change", (e) => {
    if (!e.target.matches?.("[data-keys-switch]")) return;
    e.target.checked ? localStorage.removeItem(kept) : localStorage.setItem(kept, "off");
    keysOff();
  });
  // A date of which a part is missing: WebKit says of it "Invalid value" alone.
  document.addEventListener("invalid", (e) => {
    const half = e.target.type === "date" && e.target.validity.badInput;
    e.target.setCustomValidity(half ? "Type the whole date: month, day and year. Or clear it." : "");
  }, true);
  document.addEventListener("input", (e) => e.target.type === "date" && e.target.setCustomValidity(""), true);
  document.addEventListener("toggle", (e) => {
    if (e.newState !== "open" || !e.target.matches?.("[popover]")) return;
    // WebKit's Tab leads from the button past what it opened.
    ($("[data-first], [data-arrows] button:not([aria-disabled])", e.target) ?? $("input:checked", e.target))?.focus();
  }, true);
  document.addEventListener("htmx:before:request", (e) => {
    const pop = e.detail.ctx.sourceElement.closest?.("[popover]:popover-open:not(#me)");
    pop?.hidePopover();
  });

  const overlaid = () => $$("[data-panel-toggle]").some(shown) || (root.dataset.panel === "on" && getComputedStyle($("#patient")).position !== "static");

  function panel() {
    const side = $("#patient");
    if (!side) return;
    const open = shown(side);
    root.dataset.panel = open ? "off" : "on";
    tell();
    if (!open && overlaid()) side.focus();
    else if (open) $$("[data-panel-toggle]").find(shown)?.focus();
  }

  function tell() {
    const open = String(shown($("#patient")));
    for (const button of $$("[data-panel-toggle][aria-controls]")) button.setAttribute("aria-expanded", open);
  }

  document.addEventListener("htmx:after:history:push", () => {
    if (root.dataset.panel === "on" && overlaid()) delete root.dataset.panel;
  });

  // ---- drawing ----

  // A refresh that had to wait asks for what is on the screen by now, not for what was there when it was called.
  document.addEventListener("htmx:before:request", (e) => {
    const { sourceElement: desk, request } = e.detail.ctx;
    if (desk.id !== "desk") return;
    const url = new URL(desk.getAttribute("hx-get"), location.href);
    for (const field of $$(desk.getAttribute("hx-include"))) url.searchParams.set(field.name, field.value);
    request.action = url.pathname + url.search;
  });

  // Who reads the newest message goes on reading it when another arrives.
  let end = "";
  document.addEventListener("htmx:before:swap", () => {
    const thread = $(".thread");
    end = thread && thread.scrollHeight - thread.scrollTop - thread.clientHeight < 48 ? thread.id : "";
  });

  function drawn() {
    if (!$("#desk")) return;
    const thread = $(".thread");
    if (thread && thread.id === end) thread.scrollTop = thread.scrollHeight;
    const all = $$("[data-now]"), now = all[0];
    if (now) {
      for (const elt of all) elt.removeAttribute("data-now");
      now.focus();
      if (now.matches("textarea")) now.setSelectionRange(now.value.length, now.value.length);
    }
    if (changed && $("#composer form")?.id === changed) forgive();
    tell();
    read();
  }

  const told = new WeakSet();
  function read() {
    if (document.visibilityState !== "visible") return;
    for (const elt of $$("[data-read]")) {
      if (told.has(elt)) continue;
      told.add(elt);
      htmx.trigger(elt, "postern:read");
    }
  }

  // Why a text was refused stands there, however often the desk is drawn, until it is changed.
  let changed; // the form that was changed since; a drawing that was under way then does not know it
  const forgive = () => $$("#composer [name=refused], #write-error").forEach((x) => x.remove());
  document.addEventListener("input", (e) => {
    const form = e.target.closest("#composer form");
    if (!form) return;
    changed = form.id;
    forgive();
  });
  document.addEventListener("submit", () => (changed = ""), true);

  document.addEventListener("htmx:after:swap", drawn);
  document.addEventListener("visibilitychange", read);
  document.addEventListener("DOMContentLoaded", () => {
    keysOff();
    drawn();
    read();
  });
})();
