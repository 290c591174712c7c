const form = document.querySelector("form");
const button = form.querySelector("button");
const note = document.querySelector("output");
const parameters = new URLSearchParams(location.search);
const token = parameters.get("token");
const tenant = parameters.get("tenant");

const say = (text, outcome) => {
  note.textContent = text;
  note.className = outcome;
};

// The texts of the API are for programs that know them; a person is told what to do.
const sentences = (body) => {
  if (body.code === "invalid_token") return form.dataset.spent;
  if (!Array.isArray(body.detail)) return body.detail ?? body.message;
  return body.detail.map((error) => error.msg.replace(/^String /, "The password ")).join("\n");
};

for (const box of form.querySelectorAll("[data-reveals]")) {
  box.addEventListener("change", () => {
    form.elements[box.dataset.reveals].type = box.checked ? "text" : "password";
  });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = Object.fromEntries(new FormData(form));
  if (form.dataset.token) fields.token = token;
  button.disabled = true;
  try {
    const answer = await fetch(form.dataset.api, {
      method: "POST",
      headers: { "content-type": "application/json", ...(tenant && { "x-tenant-id": tenant }) },
      body: JSON.stringify(fields),
    });
    const body = await answer.json();
    say((answer.ok && form.dataset.done) || sentences(body), answer.ok ? "done" : "failed");
    if (answer.ok) {
      form.hidden = true;
      // A spent token has no place in the history of a shared computer.
      history.replaceState(null, "", location.pathname);
    }
  } catch {
    say("The server cannot be reached. Please try again.", "failed");
  }
  button.disabled = false;
});

if (form.dataset.token && !token) {
  form.hidden = true;
  say("This link is incomplete. Please open the whole link of the message.", "failed");
}
