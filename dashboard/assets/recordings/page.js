// @ts-check
/* The page Recordings: the list of all, or one run. */
import { byId } from "../kit/dom.js";
import { definePage } from "../kit/pages.js";
import { showList } from "./list.js";
import { showRun } from "./run.js";

definePage("recordings", () => {
  const root = byId("recordings");
  return root.dataset.run ? showRun(root, root.dataset.run) : showList(root);
});
