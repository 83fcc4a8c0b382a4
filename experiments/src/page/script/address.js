// The state of the page in its address, after the #, so that a view can be shared.

const address = {
  values: new URLSearchParams(),
  listeners: [],

  /** Reads the state again. An address without `=` names a section. */
  read() {
    const text = location.hash.slice(1);
    this.values = new URLSearchParams(text.includes("=") ? text : "");
    this.listeners.forEach((listener) => listener());
  },

  get(key) {
    return this.values.get(key) ?? "";
  },

  /** Keeps a value; an empty one is dropped. */
  set(key, value) {
    if (value) this.values.set(key, value);
    else this.values.delete(key);
    const text = this.values.toString();
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  },

  /** Calls `listener` now and whenever a reader changes the address. */
  follow(listener) {
    this.listeners.push(listener);
    listener();
  },
};
addEventListener("hashchange", () => address.read());
