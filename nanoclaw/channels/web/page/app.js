// The page: logging in, the list of conversations, and what a person says.

import { Wire, logIn, newId, upload } from "./wire.js";
import { View, make } from "./view.js";
import { Console } from "./console.js";

const at = (id) => document.getElementById(id);
const MOST_FILES = 10;
const view = new View(choose);
const wire = new Wire(hear, state);
const house = new Console((word, frame) => wire.send(word, frame));
const pressed = new Map(); // by the id of what was said: the question that it answers
let chats = [];
let chat = sessionStorage.getItem("chat");
let shown = null; // the conversation that the log holds
let attached = [];

function state(now) {
  at("door").hidden = now !== "out";
  at("house").hidden = now === "out";
  at("state").textContent = now === "down" ? "connecting …" : "";
}

function trouble(why) {
  at("trouble").textContent = why;
  at("trouble").hidden = !why;
}

function hear(frame) {
  switch (frame.type) {
    case "chats":
      return list(frame);
    case "open":
      if (frame.chat === chat && !frame.again) view.clear();
      for (const said of wire.unsent.values()) if (said.chat === chat && !said.question) view.wait(said.id, said.text, []);
      return wire.sayAgain();
    case "items":
      if (frame.chat !== chat) return;
      if (frame.how === "older") at("older").hidden = !frame.more;
      view.last = Math.max(view.last, frame.last);
      return view.show(frame.items, frame.how);
    case "news":
      return mark(frame.chat, true);
    case "draft":
      return frame.chat === chat ? view.draft(frame) : undefined;
    case "typing":
      return frame.chat === chat ? view.typing() : undefined;
    case "house":
      return house.show(frame);
    case "timeline":
      return house.timeline(frame.found);
    case "kept":
      pressed.delete(frame.id);
      return view.kept(frame.id);
    case "declined":
      if (pressed.has(frame.id)) {
        view.reopen(pressed.get(frame.id));
        return trouble(frame.why);
      }
      return view.failed(frame.id, frame.why);
    case "trouble":
      return trouble(frame.why);
  }
}

function list(frame) {
  chats = frame.chats;
  at("to-console").hidden = !frame.console;
  house.again();
  at("list").replaceChildren(
    ...chats.map((one) =>
      make("li", {}, make("button", { type: "button", id: `chat ${one.id}`, onclick: () => leave_for(one.id) },
        make("span", { textContent: one.name }), make("small", { textContent: one.agents.join(", ") || "nobody hears it yet" }))),
    ),
  );
  at("agent").replaceChildren(...frame.agents.map((one) => make("option", { value: one.id, textContent: one.name })));
  at("begin").hidden = !frame.agents.length;
  if (frame.begun) return choose_chat(frame.begun);
  if (!chats.some((one) => one.id === chat)) chat = chats[0].id;
  choose_chat(chat);
}

function leave_for(id) {
  house.open(false);
  choose_chat(id);
}

function mark(id, news) {
  const button = at(`chat ${id}`);
  if (!button) return;
  button.firstChild.className = news ? "news" : "";
  if (news) button.ariaLabel = `${button.textContent}, new messages`;
  else button.removeAttribute("aria-label");
}

function choose_chat(id) {
  trouble("");
  if (shown !== id) view.clear();
  const again = shown === id && view.last > 0;
  chat = shown = id;
  sessionStorage.setItem("chat", id);
  for (const button of at("list").querySelectorAll("button")) {
    if (button.id === `chat ${id}`) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  mark(id, false);
  const name = chats.find((one) => one.id === id)?.name || "nanoclaw";
  at("title").textContent = name;
  document.title = `${name} – nanoclaw`;
  menu(false);
  wire.send("open", again ? { chat: id, after: view.last } : { chat: id });
}

function menu(open) {
  at("chats").classList.toggle("open", open);
  at("menu").setAttribute("aria-expanded", String(open));
}

function choose(question, option) {
  const frame = { id: newId(), chat, text: option.label, question, choice: option.value };
  trouble("");
  pressed.set(frame.id, question);
  wire.say(frame);
}

function attach(files) {
  attached = [...attached, ...files].slice(0, MOST_FILES);
  at("attached").replaceChildren(
    ...attached.map((file) => {
      const remove = () => {
        attached = attached.filter((one) => one !== file);
        attach([]);
        at("text").focus();
      };
      return make("li", {}, make("button", { type: "button", textContent: `${file.name} ✕`, ariaLabel: `Remove ${file.name}`, onclick: remove }));
    }),
  );
}

async function send(event) {
  event?.preventDefault();
  const text = at("text").value;
  const files = attached;
  if (!text.trim() && !files.length) return;
  trouble("");
  at("send").disabled = true;
  try {
    const keys = [];
    for (const file of files) keys.push(await upload(file));
    const frame = { id: newId(), chat, text, files: keys };
    at("text").value = "";
    attached = [];
    attach([]);
    view.wait(frame.id, text, files.map((file) => file.name));
    wire.say(frame);
  } catch (error) {
    trouble(error.message);
  } finally {
    at("send").disabled = false;
    at("text").focus();
  }
}

at("compose").addEventListener("submit", send);
at("text").addEventListener("keydown", (event) => {
  // On a phone, Enter is the only way to a new line.
  const isPhone = matchMedia("(pointer: coarse)").matches;
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !isPhone) send(event);
});
at("text").addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) attach(event.clipboardData.files);
});
at("files").addEventListener("change", () => {
  attach(at("files").files);
  at("files").value = "";
});
at("room").addEventListener("dragover", (event) => event.preventDefault());
at("room").addEventListener("drop", (event) => {
  event.preventDefault();
  attach(event.dataTransfer.files);
});
at("older").addEventListener("click", () => wire.send("older", { chat, before: view.first }));
at("menu").addEventListener("click", () => menu(!at("chats").classList.contains("open")));
at("chats").addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  menu(false);
  at("menu").focus();
});
at("begin").addEventListener("submit", (event) => {
  event.preventDefault();
  wire.send("begin", { agent: at("agent").value, name: at("name").value });
  at("name").value = "";
});
at("logout").addEventListener("click", async () => {
  await fetch("/logout", { method: "POST" });
  sessionStorage.clear();
  location.reload();
});

async function start() {
  const secret = /^#login=([\w-]+)$/.exec(location.hash)?.[1];
  if (secret) {
    history.replaceState(null, "", "/");
    const why = await logIn(secret).catch(() => "the host did not answer");
    if (why) at("door-why").textContent = `You could not be let in: ${why}.`;
  }
  await wire.connect();
}

addEventListener("hashchange", start);
start();
