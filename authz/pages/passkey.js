// Asks the browser for a passkey when the page's passkey form is sent, puts the
// answer into the form and sends that: all else happens on the server. The form
// is hidden until the script knows that the browser can do it.
(() => {
  'use strict';
  const form = document.querySelector('form[data-passkey]');
  if (!form || !window.PublicKeyCredential || !navigator.credentials) return;
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
  const options = JSON.parse(form.dataset.passkey).publicKey;
  const adding = 'user' in options;
  options.challenge = bytes(options.challenge);
  if (adding) {
    options.user.id = bytes(options.user.id);
    for (const known of options.excludeCredentials || []) known.id = bytes(known.id);
  }
  const tell = (problem) => {
    const alert = form.querySelector('[role=alert]');
    alert.textContent = problem;
    alert.hidden = !problem;
  };
  let asked;
  const ask = async (mediation) => {
    if (asked) asked.abort();
    asked = new AbortController();
    const question = { publicKey: options, signal: asked.signal };
    if (mediation) question.mediation = mediation;
    const key = adding ? await navigator.credentials.create(question) : await navigator.credentials.get(question);
    const r = key.response;
    const response = { clientDataJSON: text(r.clientDataJSON) };
    if (adding) {
      response.attestationObject = text(r.attestationObject);
      response.transports = r.getTransports ? r.getTransports() : [];
    } else {
      response.authenticatorData = text(r.authenticatorData);
      response.signature = text(r.signature);
      response.userHandle = r.userHandle ? text(r.userHandle) : '';
    }
    form.elements.answer.value = JSON.stringify({ id: key.id, rawId: text(key.rawId), type: key.type, response });
    form.submit();
  };
  // The server takes no answer after five minutes.
  const late = Date.now() + 280000;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (Date.now() > late) {
      location.assign(form.dataset.again);
      return;
    }
    tell('');
    try {
      await ask();
    } catch (e) {
      if (e.name === 'InvalidStateError') tell('This device has a passkey for the shop already.');
      else if (e.name !== 'AbortError') tell(adding ? 'No passkey was made. Try again.' : 'No passkey was used. Try again, or log in another way.');
    }
  });
  form.hidden = false;
  // Browsers that can offer passkeys in the user name's field; not after a login that
  // failed, so that nothing answers for the person again and again.
  const failed = document.querySelector('main > [role=alert]');
  if (!adding && !failed && PublicKeyCredential.isConditionalMediationAvailable) {
    PublicKeyCredential.isConditionalMediationAvailable().then((can) => can && ask('conditional')).catch(() => {});
  }
})();
