// At most so many at a time; the rest wait their turn. A place is given back by calling what `enter` returned.

export class Gate {
  constructor(places) {
    this.free = places;
    this.waiting = [];
  }

  async enter() {
    if (this.free > 0) this.free -= 1;
    else await new Promise((resolve) => this.waiting.push(resolve));
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
    };
  }
}
