"use strict";
/* How answers are kept: on this device until they are safe, then by a server, by JATOS, or in a
   file that the observer downloads. What waits here survives a closed tab and a lost connection. */

/* The receiver will never take it: another answer is there, or the session is gone. */
class Refused extends Error {}

/* A code that nobody guesses, of so many bytes at random. */
function secret(bytes) {
  const drawn = crypto.getRandomValues(new Uint8Array(bytes));
  return btoa(String.fromCharCode(...drawn)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function pause(milliseconds) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    addEventListener("online", end);
  });
}

class Keeper {
  /* `told` is called with the number of answers that wait; `refused` with a reason to stop. */
  constructor(config, told, refused) {
    this.config = config;
    this.told = told;
    this.refused = refused;
    this.key = `humanlike ${config.study}`;
    this.state = this.read();
    this.trials = [];
    this.late = false;
  }

  read() {
    try {
      return JSON.parse(localStorage.getItem(this.key));
    } catch {
      return null;
    }
  }

  write() {
    try {
      if (this.state) localStorage.setItem(this.key, JSON.stringify(this.state));
      else localStorage.removeItem(this.key);
    } catch {
      /* Storage is switched off or full: what waits is in memory, and is sent from there. */
    }
  }

  forget() {
    this.state = null;
    this.write();
  }

  start(values) {
    this.state = { done: [], waiting: {}, ...values };
    this.write();
  }

  /* The next trial that has no answer, from 1; one more than there are when all have. */
  next() {
    const answered = new Set([...this.state.done, ...Object.keys(this.state.waiting).map(Number)]);
    let number = 1;
    while (answered.has(number)) number++;
    return number;
  }

  keep(number, answer) {
    this.state.waiting[number] = answer;
    this.write();
    if (this.late) this.told(this.waiting());
    this.pump();
  }

  waiting() {
    return Object.keys(this.state?.waiting ?? {}).length;
  }

  /* Send what waits, one after the other, for as long as it takes. */
  async pump() {
    if (this.pumping) return;
    this.pumping = true;
    let delay = 500;
    for (;;) {
      const [number] = Object.keys(this.state?.waiting ?? {});
      if (number === undefined) break;
      try {
        await this.send(Number(number), this.state.waiting[number]);
        this.state.done.push(Number(number));
        delete this.state.waiting[number];
        this.write();
        delay = 500;
        if (!this.waiting()) this.late = false;
        this.told(this.late ? this.waiting() : 0);
      } catch (error) {
        if (error instanceof Refused) {
          this.refused(error.message);
          return;
        }
        this.late = true;
        this.told(this.waiting());
        await pause(Math.max(delay, error.wait ?? 0));
        delay = Math.min(2 * delay, 8000);
      }
    }
    this.pumping = false;
  }

  /* Wait until nothing waits any more. */
  async settled() {
    this.pump();
    while (this.waiting()) await pause(100);
  }

  line(number, answer) {
    const { session, observer, withdrawal, list } = this.state;
    const whose = { study: this.config.study, session, observer, withdrawal, list, trial: number };
    return JSON.stringify({ ...whose, ...answer });
  }
}

/* `humanlike experiment serve` stores each answer. */
class ServerKeeper extends Keeper {
  async ask(method, path, body) {
    const answer = await fetch(`api/sessions${path}`, {
      method,
      body: body && JSON.stringify(body),
      headers: body && { "Content-Type": "application/json" },
      signal: AbortSignal.timeout(15000),
      cache: "no-store",
    });
    if (answer.ok) return answer.json();
    const said = await answer.json().catch(() => ({}));
    if ([429, 408, 421].includes(answer.status) || answer.status >= 500) {
      const error = new Error(said.error);
      error.wait = 1000 * Number(answer.headers.get("Retry-After") ?? 0);
      throw error;
    }
    throw new Refused(said.error ?? `${answer.status}`);
  }

  /* Ask until there is an answer, however long the connection is gone. */
  async insist(...request) {
    for (let delay = 500; ; delay = Math.min(2 * delay, 8000)) {
      try {
        const answer = await this.ask(...request);
        this.told(0);
        return answer;
      } catch (error) {
        if (error instanceof Refused) throw error;
        this.told(this.waiting());
        await pause(Math.max(delay, error.wait ?? 0));
      }
    }
  }

  async found() {
    if (!this.state) return false;
    try {
      const known = await this.insist("GET", `/${this.state.session}`);
      this.trials = known.trials;
      this.state.done = known.done;
      this.write();
      if (!known.finished) return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
    this.forget();
    return false;
  }

  async begin(observer) {
    const begun = await this.insist("POST", "", { observer });
    this.trials = begun.trials;
    this.start({ session: begun.session, list: begun.list });
  }

  send(number, answer) {
    return this.ask("PUT", `/${this.state.session}/trials/${number}`, answer);
  }

  async end() {
    const { withdrawal } = await this.insist("POST", `/${this.state.session}/finish`, {});
    this.forget();
    return { withdrawal };
  }
}

/* Files on any host: the observer downloads the answers at the end. */
class StaticKeeper extends Keeper {
  async load() {
    this.lists ??= await (await fetch("lists.json")).json();
    if (this.state) this.trials = this.lists[this.state.list];
  }

  async found() {
    if (!this.state) return false;
    await this.load();
    return true;
  }

  /* The list that the address names (?list=3, from 0), else any. */
  async list() {
    const named = new URLSearchParams(location.search).get("list") ?? "";
    const drawn = Math.floor(Math.random() * this.lists.length);
    return /^\d{1,6}$/.test(named) ? Number(named) % this.lists.length : drawn;
  }

  async begin(observer) {
    await this.load();
    const list = await this.list();
    this.start({ session: secret(16), withdrawal: secret(12), observer, list, answers: {} });
    await this.load();
  }

  async send(number, answer) {
    this.state.answers[number] = answer;
  }

  async end() {
    const lines = Object.entries(this.state.answers).map(([number, answer]) => this.line(Number(number), answer));
    return { withdrawal: this.state.withdrawal, file: new Blob(lines.map((line) => `${line}\n`)) };
  }
}

/* JATOS stores each answer as a line of the result data. */
class JatosKeeper extends StaticKeeper {
  /* The next list in turn, counted by what all runs of the batch share. */
  async list() {
    for (let attempt = 0; attempt < 8; attempt++) {
      const number = jatos.batchSession.get("lists") ?? 0;
      try {
        await jatos.batchSession.set("lists", number + 1);
        return number % this.lists.length;
      } catch {
        await pause(Math.random() * 500);
      }
    }
    return super.list();
  }

  async send(number, answer) {
    await jatos.appendResultData(`${this.line(number, answer)}\n`);
  }

  async end() {
    const { withdrawal } = this.state;
    this.forget();
    return { withdrawal };
  }
}
