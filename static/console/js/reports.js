// 统计报表: the page as it is, on paper.

import { byId } from "./dom.js";

byId("print").addEventListener("click", () => window.print());
