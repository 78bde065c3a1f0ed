// Open alarms in the top bar of every page. On the wall the poll brings them along; elsewhere they are asked for.

import { get } from "./api.js";
import { byId, setText } from "./dom.js";

const PERIOD_MS = 10_000;

export function showAlarms({ open, fresh, critical }) {
  const place = byId("alarm-count");
  if (!place) return;
  place.hidden = !open;
  setText(place, open > 999 ? "999+" : String(open));
  place.dataset.fresh = String(fresh > 0);
  place.title = `未恢复 ${open} 条，其中严重 ${critical} 条；警告以上未确认 ${fresh} 条`;
}

async function look() {
  try {
    showAlarms(await get("/alarms/"));
  } catch {
    // The page itself says that the connection is gone; the count stands.
  }
  setTimeout(look, PERIOD_MS);
}

if (byId("alarm-count") && !document.body.classList.contains("frame")) look();
