// The socket to the host: connects again whenever it breaks, and sends again what the host has not acknowledged.

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15000;

export class Wire {
  // `hear` takes a frame; `state` is told "up", "down" or "out" (nobody is logged in).
  constructor(hear, state) {
    this.hear = hear;
    this.state = state;
    this.socket = null;
    this.pause = FIRST_PAUSE;
    this.timer = 0;
    // What was said and not acknowledged survives a reload of this tab.
    this.unsent = new Map(JSON.parse(sessionStorage.getItem("unsent") || "[]"));
    addEventListener("online", () => this.connect());
  }

  async connect() {
    clearTimeout(this.timer);
    if (this.socket) return;
    try {
      const answer = await fetch("/me");
      if (answer.status === 401) return this.state("out");
      if (!answer.ok) throw new Error(answer.statusText);
    } catch {
      return this.later();
    }
    if (this.socket) return;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = this.socket = new WebSocket(`${scheme}//${location.host}/live`);
    socket.onopen = () => {
      this.pause = FIRST_PAUSE;
      this.state("up");
    };
    socket.onmessage = (event) => this.take(JSON.parse(event.data));
    socket.onclose = () => {
      this.socket = null;
      this.later();
    };
  }

  later() {
    this.state("down");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), this.pause * (0.5 + Math.random()));
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }

  take(frame) {
    if (frame.type === "kept" || frame.type === "declined") {
      this.unsent.delete(frame.id);
      this.save();
    }
    this.hear(frame);
  }

  send(word, frame) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(`${word} ${JSON.stringify(frame)}`);
  }

  // The host may hear it more than once, and takes it once: its id is the same.
  say(frame) {
    this.unsent.set(frame.id, frame);
    this.save();
    this.send("say", frame);
  }

  sayAgain() {
    for (const frame of this.unsent.values()) this.send("say", frame);
  }

  save() {
    try {
      sessionStorage.setItem("unsent", JSON.stringify([...this.unsent]));
    } catch {
      // No room: it is still in memory.
    }
  }
}

export async function logIn(secret) {
  const answer = await fetch("/login", { method: "POST", body: secret, headers: { "Content-Type": "text/plain" } });
  return answer.ok ? null : (await answer.text()) || "this link cannot be used here";
}

export async function upload(file) {
  const answer = await fetch(`/files?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file });
  if (!answer.ok) throw new Error(`${file.name}: ${(await answer.text()) || "it was not taken"}`);
  return (await answer.json()).id;
}

export function newId() {
  // randomUUID is for secure pages alone, and a proxy may show this one otherwise.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
