// Asks the browser for a passkey where a form takes one, and sends the form with its answer. Without it, password and code do.
"use strict";

(() => {
  if (!globalThis.PublicKeyCredential || !navigator.credentials) return;

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const letters = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const listed = (known) => (known ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

  // What the console says in JSON, as the browser wants it.
  function wish({ make, use }) {
    const asked = make ?? use;
    const shared = { ...asked, challenge: bytes(asked.challenge) };
    if (use) return { publicKey: { ...shared, allowCredentials: listed(use.allowCredentials) } };
    const user = { ...make.user, id: bytes(make.user.id) };
    return { publicKey: { ...shared, user, excludeCredentials: listed(make.excludeCredentials) } };
  }

  // What the browser answers, as the console wants it.
  function told({ id, rawId, type, response }) {
    const said = { clientDataJSON: letters(response.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (response[name]) said[name] = letters(response[name]);
    }
    return JSON.stringify({ id, rawId: letters(rawId), type, response: said });
  }

  async function ask(form) {
    const { mark } = form.elements;
    const body = new URLSearchParams({ mark: mark.value, purpose: form.dataset.purpose ?? "prove" });
    const answer = await fetch(form.dataset.passkey, { method: "POST", body });
    if (answer.status === 401 || answer.status === 403) location.reload();
    if (!answer.ok) throw new Error(`${form.dataset.passkey}: ${answer.status}`);
    const asked = await answer.json();
    const wanted = wish(asked);
    return told(await (asked.make ? navigator.credentials.create(wanted) : navigator.credentials.get(wanted)));
  }

  function take(form) {
    const code = form.elements.code;
    const failed = form.querySelector("[data-passkey-failed]");
    form.hidden = false;
    if (code) code.required = false;
    for (const hint of form.querySelectorAll("[data-passkey-hint]")) hint.hidden = false;

    form.addEventListener("submit", async (event) => {
      if (code?.value || form.elements.passkey.value || event.submitter?.hasAttribute("formaction")) return;
      event.preventDefault();
      if (form.dataset.busy) return;
      form.dataset.busy = "yes";
      failed.hidden = true;
      try {
        form.elements.passkey.value = await ask(form);
        form.requestSubmit(event.submitter);
      } catch (error) {
        if (!(error instanceof DOMException)) console.warn(error);
        failed.hidden = false;
        (code ?? event.submitter)?.focus();
      } finally {
        delete form.dataset.busy;
      }
    });
  }

  const forms = [...document.querySelectorAll("form[data-passkey]")].filter((form) => form.elements.passkey);
  forms.forEach(take);
  // A page that comes back from the history holds an answer that was used up.
  addEventListener("pageshow", () => forms.forEach((form) => { form.elements.passkey.value = ""; }));
})();
