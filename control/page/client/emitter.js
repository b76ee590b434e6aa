/** A minimal typed-by-convention event emitter: on() returns a function that ends the subscription. */
export class Emitter {
  #handlers = new Map();

  on(name, handler) {
    if (!this.#handlers.has(name)) this.#handlers.set(name, new Set());
    this.#handlers.get(name).add(handler);
    return () => this.#handlers.get(name)?.delete(handler);
  }

  emit(name, detail) {
    for (const handler of [...(this.#handlers.get(name) ?? [])]) handler(detail);
  }
}
