// Questions before an action that cannot be undone.

import { h } from "./dom.js";

/** Asks; returns whether the reader agreed. Escape and Cancel are a no, and the focus goes back to where it was. */
export function confirm({ title, text, action }) {
  return new Promise((resolve) => {
    const cancel = h("button", { type: "button", autofocus: true, onclick: () => dialog.close() }, "Cancel");
    const agree = h("button", { type: "button", class: "danger", onclick: () => dialog.close("yes") }, action);
    const dialog = h("dialog", { "aria-labelledby": "question", "aria-describedby": "consequence" },
      h("h2", { id: "question" }, title),
      h("p", { id: "consequence" }, text),
      h("div", { class: "actions" }, cancel, agree));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
