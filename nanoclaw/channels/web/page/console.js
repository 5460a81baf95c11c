// The running house: sessions and what holds them up, channels, approvals, and the tree of actors. It only shows.

import { make } from "./view.js";
import { draw } from "./timeline.js";

const at = (id) => document.getElementById(id);
const ORDER = ["bad", "waits", "note", "good"];

export function span(seconds) {
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60]]) {
    if (seconds >= 2 * size) return `${Math.round(seconds / size)} ${unit}`;
  }
  return `${Math.round(seconds)} s`;
}

// How much is open besides what is shown; the same words are in nanoclaw/core/holds_words.py.
export function leftOut(notShown) {
  const kinds = Object.entries(notShown).map(([name, count]) => `${count.toLocaleString("en")} more ${name}`);
  return kinds.length ? `; ${kinds.join(", ")} open and not shown` : "";
}

export class Console {
  // `send` says a word and its frame to the host.
  constructor(send) {
    this.send = send;
    this.frame = null;
    this.chosen = null; // the session whose timeline is shown
    this.folded = new Map(); // by path: is that part of the tree closed?
    at("to-console").addEventListener("click", () => this.open(at("console").hidden));
    at("only-held").addEventListener("change", () => this.sessions());
    addEventListener("visibilitychange", () => this.again());
  }

  open(now) {
    at("console").hidden = !now;
    at("room").hidden = now;
    at("to-console").setAttribute("aria-expanded", String(now));
    at("to-console").textContent = now ? "Chat" : "House";
    if (now) this.title = at("title").textContent;
    at("title").textContent = now ? "The house" : this.title || at("title").textContent;
    this.again();
    if (now) at("console").focus();
  }

  // The host is told again whether anybody looks: this may be another connection.
  again() {
    if (at("to-console").hidden) return;
    this.send("look", { on: !at("console").hidden && !document.hidden });
    if (this.chosen) this.ask();
  }

  show(frame) {
    this.frame = frame;
    const { house, sessions, approvals, channels } = frame.overview;
    const queue = house.waiting ? `, ${house.waiting} wait for a place` : "";
    at("house-line").textContent =
      `${house.engine}: ${house.sandboxes} of ${house.places} sandboxes${queue}; ` +
      `${sessions.length} sessions with something open, ${house.resting} at rest${leftOut(house.not_shown)}`;
    this.sessions();
    fill(at("channels"), channels, (one) => [one.channel, one, one.why, one.mend]);
    fill(at("approvals"), approvals, (one) => [
      one.title, { mark: "waits", reason: `for ${span(one.age)}` }, one.session || one.kind,
      `nanoclaw approvals show ${one.approval}`,
    ]);
    this.branch(at("tree"), [frame.tree], "");
    if (this.chosen) this.ask();
  }

  sessions() {
    if (!this.frame) return;
    const only = at("only-held").checked;
    const rows = this.frame.overview.sessions
      .filter((one) => !only || one.mark === "bad" || one.mark === "waits")
      .sort((a, b) => ORDER.indexOf(a.mark) - ORDER.indexOf(b.mark) || a.session.localeCompare(b.session));
    fill(at("sessions"), rows, (one) => [
      `${one.agent}${one.chat ? ` in ${one.chat}` : ""}`, one, one.why, one.mend, one.session,
      () => {
        this.chosen = one.session;
        this.ask();
      },
    ]);
  }

  ask() {
    this.send("timeline", { session: this.chosen });
  }

  timeline(found) {
    if (!found || found.id !== this.chosen) return;
    const first = at("timeline").hidden || this.shown !== found.id;
    this.shown = found.id;
    at("timeline").hidden = false;
    at("timeline-title").textContent = `${found.id}: ${found.agent}${found.chat ? ` in ${found.chat}` : ""}`;
    draw(at("picture"), found, (words) => (at("span").textContent = words));
    if (first) at("timeline").scrollIntoView();
  }

  // Parts that are there stay there, open or folded as somebody left them.
  branch(box, nodes, above) {
    const there = new Map([...box.children].filter((one) => one.dataset.path).map((one) => [one.dataset.path, one]));
    const made = nodes.map((node) => {
      const path = `${above}/${node.name}`;
      const tag = node.children.length ? "details" : "div";
      let element = there.get(path);
      if (!element || element.localName !== tag) {
        element = make(tag, { className: "actor" }, make(tag === "details" ? "summary" : "p", {}));
        element.dataset.path = path;
        if (tag === "details") {
          element.open = node.children.length <= 20;
          element.append(make("div", { className: "below" }));
        }
      }
      label(element.firstChild, node);
      if (tag === "details") this.branch(element.lastChild, node.children, path);
      return element;
    });
    if (made.length !== box.children.length || made.some((one, place) => one !== box.children[place])) {
      box.replaceChildren(...made);
    }
  }
}

function label(line, node) {
  const held = node.hold && node.hold.mark !== "good" ? node.hold : null;
  const said = [
    [node.name, "name"],
    [`${node.state}${node.age ? ` ${span(node.age)}` : ""}`, `state ${node.state}`],
    [node.mailbox ? `${node.mailbox} unread` : "", ""],
    [node.restarts ? `${node.restarts} restarts` : "", "waits"],
    [node.doing, "faint"],
    [held ? `${held.reason}: ${held.why}` : node.last_error || "", held ? held.mark : "bad"],
  ].filter(([text]) => text);
  line.replaceChildren(...said.map(([textContent, className]) => make("span", { textContent, className })));
}

// One card a row: its name, its reason, its sentence, what mends it, its id, and what pressing it does.
function fill(list, rows, tell) {
  if (!rows.length) return list.replaceChildren(make("li", { className: "faint", textContent: "nothing" }));
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.id : null;
  list.replaceChildren(
    ...rows.map((row) => {
      const [name, hold, why, mend, id, press] = tell(row);
      const head = [
        make("strong", { textContent: name }), make("span", { className: hold.mark, textContent: hold.reason }),
      ];
      const title = press
        ? make("button", { type: "button", className: "head", onclick: press }, ...head)
        : make("div", { className: "head" }, ...head);
      if (press) title.dataset.id = id;
      const card = make("li", {}, title, make("p", { textContent: why }));
      if (id) card.append(make("p", { className: "faint", textContent: id }));
      if (mend) card.append(make("p", {}, make("code", { textContent: mend })));
      return card;
    }),
  );
  if (focused) [...list.querySelectorAll("[data-id]")].find((one) => one.dataset.id === focused)?.focus();
}
