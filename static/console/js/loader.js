// Bytes of a WebSocket for the player. Unlike the player's own loader it falls silent at once when it is closed:
// that one throws into the page when a tile is cleared while its connection is still being opened.

// `onBytes` hears of every chunk.
export function quietLoader(onBytes) {
  const { BaseLoader, LoaderErrors, LoaderStatus } = window.mpegts;

  return class QuietLoader extends BaseLoader {
    constructor() {
      super("quiet-websocket");
      this._needStash = true;
      this.received = 0;
    }

    open({ url }) {
      const socket = new WebSocket(url);
      this.socket = socket;
      this._status = LoaderStatus.kConnecting;
      socket.binaryType = "arraybuffer";
      socket.onopen = () => (this._status = LoaderStatus.kBuffering);
      socket.onmessage = ({ data }) => this.#take(data);
      socket.onerror = () => {
        this._status = LoaderStatus.kError;
        socket.onclose = null;
        this._onError?.(LoaderErrors.EXCEPTION, { code: -1, msg: "WebSocket" });
      };
      socket.onclose = () => {
        this._status = LoaderStatus.kComplete;
        this._onComplete?.(0, this.received - 1);
      };
    }

    #take(data) {
      const begin = this.received;
      this.received += data.byteLength;
      onBytes(data.byteLength);
      this._onDataArrival?.(data, begin, this.received);
    }

    abort() {
      const { socket } = this;
      if (!socket) return;
      socket.onopen = socket.onmessage = socket.onerror = socket.onclose = null;
      socket.close();
      this.socket = null;
      this._status = LoaderStatus.kComplete;
    }

    destroy() {
      this.abort();
      super.destroy();
    }
  };
}
