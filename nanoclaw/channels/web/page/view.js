// What one conversation looks like. Text of people becomes text; of agents, what the host has made of it.

const scroll = document.getElementById("scroll");
const log = document.getElementById("log");
const drafts = document.getElementById("drafts");
const DRAFT_LASTS = 60000;
const TYPING_LASTS = 6000; // the host says it again every four seconds

// What is too wide for its place is scrolled there, by keys as well.
const byKeys = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});

export function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1048576).toFixed(1)} MiB`;
}

export class View {
  // `choose` is told of a question and one of its options.
  constructor(choose) {
    this.choose = choose;
    this.clear();
  }

  clear() {
    log.replaceChildren();
    drafts.replaceChildren();
    this.known = new Map(); // by key or id: the element of a message
    this.questions = new Map();
    this.positions = new Set();
    this.edits = new Map();
    this.reactions = new Map();
    this.answers = new Map();
    this.first = Infinity;
    this.last = 0;
  }

  // Items in their order; `how` says at which end they belong.
  show(items, how) {
    const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80 || !log.children.length;
    const height = scroll.scrollHeight;
    const made = [];
    for (const item of items) {
      if (this.positions.has(item.position)) continue;
      this.positions.add(item.position);
      this.first = Math.min(this.first, item.position);
      const element = this.take(item);
      if (element) made.push(element);
    }
    if (how === "older") log.prepend(...made);
    else log.append(...made);
    if (how === "older" && !atEnd) scroll.scrollTop += scroll.scrollHeight - height;
    else if (atEnd) this.toEnd();
  }

  toEnd() {
    scroll.scrollTop = scroll.scrollHeight;
  }

  take(item) {
    switch (item.type) {
      case "answered":
        this.answers.set(item.question, item.answer);
        this.close(item.question, item.answer);
        return null;
      case "said":
        this.known.get(item.id)?.remove();
        return this.remember(item.id, this.said(item));
      default:
        drafts.replaceChildren();
        if (item.edits) return this.edit(item.edits, item.html);
        if (item.reacts_to) return this.react(item.reacts_to, item.emoji);
        return this.remember(item.key, this.shown(item));
    }
  }

  remember(key, element) {
    this.known.set(key, element);
    // What was changed later may have been told of earlier: history is read backwards.
    if (this.edits.has(key)) this.edit(key, this.edits.get(key));
    for (const emoji of this.reactions.get(key) || []) this.badge(element, emoji);
    return element;
  }

  said(item) {
    const by = this.by(item.sender, item.at);
    const files = this.files(item);
    return make("li", { className: "mine" }, by, make("div", { className: "plain", textContent: item.text }), ...files);
  }

  shown(item) {
    const element = make("li", { className: item.speaker ? "agent" : "host" }, this.by(item.speaker || "nanoclaw", item.at));
    if (item.title) element.append(make("div", { className: "title", textContent: item.title }));
    element.append(this.body(item.html));
    if (item.question) {
      const answer = item.answer || this.answers.get(item.question) || null;
      const box = make("div", { className: "options", role: "group", ariaLabel: item.title || "Answers" });
      for (const option of item.options) {
        const press = () => {
          for (const button of box.children) button.disabled = true;
          this.choose(item.question, option);
        };
        box.append(make("button", { type: "button", textContent: option.label, onclick: press }));
      }
      element.append(box);
      this.questions.set(item.question, box);
      if (!item.waits || answer) this.close(item.question, answer);
    }
    element.append(...this.files(item));
    return element;
  }

  by(who, at) {
    const when = new Date(at);
    const time = make("time", { dateTime: at, title: when.toLocaleString() });
    time.textContent = when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    return make("div", { className: "by" }, make("span", { textContent: who }), time);
  }

  body(html) {
    // The host has cleaned it, and the page's policy lets no script in it run.
    const body = make("div", { className: "body" });
    body.innerHTML = html;
    for (const wide of body.querySelectorAll("pre, table")) byKeys.observe(wide);
    return body;
  }

  files(item) {
    if (!item.files.length) return [];
    const link = (file, number) =>
      make("li", {}, make("a", {
        href: `/files/${item.position}/${number}`, download: file.name, textContent: `${file.name} (${size(file.size)})`,
      }));
    return [make("ul", { className: "files", ariaLabel: "Files" }, ...item.files.map(link))];
  }

  edit(key, html) {
    this.edits.set(key, html);
    const element = this.known.get(key);
    if (!element) return null;
    element.querySelector(".title")?.remove();
    element.querySelector(".options")?.remove();
    element.querySelector(".body")?.replaceWith(this.body(html));
    if (!element.querySelector(".changed")) {
      element.querySelector(".by").append(make("span", { className: "changed", textContent: "(changed)" }));
    }
    return null;
  }

  react(key, emoji) {
    this.reactions.set(key, [...(this.reactions.get(key) || []), emoji]);
    const element = this.known.get(key);
    if (element) this.badge(element, emoji);
    return null;
  }

  badge(element, emoji) {
    let box = element.querySelector(".reactions");
    if (!box) element.append((box = make("div", { className: "reactions", role: "note", ariaLabel: "Reactions" })));
    box.textContent += emoji;
  }

  // The question waits no more; `answer` is the label that was chosen, if one was.
  close(question, answer) {
    for (const button of this.questions.get(question)?.children || []) {
      button.disabled = true;
      if (button.textContent === answer) button.className = "chosen";
    }
  }

  reopen(question) {
    for (const button of this.questions.get(question)?.children || []) button.disabled = false;
  }

  // Something of our own that the host has not acknowledged yet.
  wait(id, text, names) {
    if (this.known.has(id)) return;
    const item = { sender: "You", at: new Date().toISOString(), text, files: [] };
    const element = this.said(item);
    element.classList.add("waiting");
    if (names.length) element.append(make("p", { className: "note", textContent: names.join(", ") }));
    log.append(this.remember(id, element));
    this.toEnd();
  }

  kept(id) {
    this.known.get(id)?.classList.remove("waiting");
  }

  failed(id, why) {
    const element = this.known.get(id);
    if (!element) return;
    element.classList.replace("waiting", "failed");
    element.append(make("p", { className: "note", textContent: `Not heard: ${why}` }));
  }

  // Somebody works on what was said here, and shows nothing of it yet.
  typing() {
    const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
    let element = drafts.querySelector(".typing");
    if (!element) {
      if (drafts.children.length) return;
      element = make("li", { className: "typing" }, make("div", { className: "by", textContent: "writing " }));
      drafts.append(element);
    }
    clearTimeout(element.timer);
    element.timer = setTimeout(() => element.remove(), TYPING_LASTS);
    if (atEnd) this.toEnd();
  }

  draft(frame) {
    const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
    drafts.querySelector(".typing")?.remove();
    let element = [...drafts.children].find((one) => one.dataset.reply === frame.reply);
    if (!element) {
      element = make("li", {});
      element.dataset.reply = frame.reply;
      drafts.append(element);
    }
    const by = make("div", { className: "by", textContent: frame.tool ? `using ${frame.tool} ` : "writing " });
    element.replaceChildren(by, this.body(frame.html));
    clearTimeout(element.timer);
    element.timer = setTimeout(() => element.remove(), DRAFT_LASTS);
    if (atEnd) this.toEnd();
  }
}
