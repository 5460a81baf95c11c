// A session as a picture: one track each for its sandboxes, messages, claims, model and replies, on one axis of time.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 900;
const LEFT = 90;
const TRACK = 34;
const BAR = 16;
const LEAST = 4; // a span that is shorter is drawn as wide
const MOST_SPAN = 3600000; // what is shown: the hour up to now, or less
const BAD = new Set(["failed", "dead", "unknown", "killed", "quarantined", "not-started", "host-died"]);
const OPEN = new Set(["pending", "sending", "claimed", "runs", "paused"]);

function shape(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const clock = (moment) => new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });

// `tell` is given a sentence about the span that somebody points at.
export function draw(box, found, tell) {
  const now = Date.parse(found.now);
  const spans = Object.values(found.tracks).flat().map((one) => [Date.parse(one.start), one.stop ? Date.parse(one.stop) : now]);
  const ends = spans.map(([, stop]) => stop).filter((stop) => stop >= now - MOST_SPAN);
  const first = Math.min(now - 1000, ...spans.filter(([, stop]) => ends.includes(stop)).map(([start]) => start));
  const from = Math.max(first, now - MOST_SPAN);
  const x = (moment) => LEFT + ((Math.max(moment, from) - from) / (now - from)) * (WIDTH - LEFT - 10);
  const names = Object.keys(found.tracks);
  const height = names.length * TRACK + 30;
  const words = names.map((name) => `${found.tracks[name].length} ${name}`).join(", ");
  const picture = shape("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": `${found.id}: ${words}` });
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const moment = from + part * (now - from);
    const anchor = part === 1 ? "end" : part === 0 ? "start" : "middle";
    picture.append(
      shape("line", { x1: x(moment), x2: x(moment), y1: 0, y2: height - 24, class: "grid" }),
      shape("text", { x: x(moment), y: height - 8, "text-anchor": anchor, class: "time" }, clock(moment)),
    );
  }
  names.forEach((name, row) => {
    const y = row * TRACK + 6;
    picture.append(shape("text", { x: 0, y: y + BAR - 3 }, name));
    for (const one of found.tracks[name]) {
      const start = Date.parse(one.start);
      const stop = one.stop ? Date.parse(one.stop) : now;
      if (stop < from) continue;
      const state = BAD.has(one.state) ? "bad" : OPEN.has(one.state) ? "waits" : "good";
      const said = `${one.name}: ${one.state}, ${clock(start)}${one.stop ? ` to ${clock(stop)}` : " until now"}` +
        `${one.detail ? `; ${one.detail}` : ""}`;
      const bar = shape(
        "rect", { x: x(start), y, width: Math.max(LEAST, x(stop) - x(start)), height: BAR, rx: 3, class: `${name} ${state}` },
        shape("title", {}, said),
      );
      bar.addEventListener("pointerenter", () => tell(said));
      bar.addEventListener("click", () => tell(said));
      picture.append(bar);
    }
  });
  box.replaceChildren(picture);
}
