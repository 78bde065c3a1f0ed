// Times as a control room says them. All clocks are Asia/Shanghai, whatever the desk is set to.

const ZONE = "Asia/Shanghai";
const CLOCK = new Intl.DateTimeFormat("zh-CN", { timeZone: ZONE, hour12: false, hour: "2-digit", minute: "2-digit", second: "2-digit" });
const MINUTE = new Intl.DateTimeFormat("zh-CN", { timeZone: ZONE, hour12: false, hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("zh-CN", { timeZone: ZONE, month: "numeric", day: "numeric" });
const WHOLE_DAY = new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE });

// What the platform's clock is ahead of this machine's, in ms.
let ahead = 0;

export const setServerTime = (unix) => {
  ahead = unix * 1000 - Date.now();
};
export const nowSeconds = () => (Date.now() + ahead) / 1000;

const at = (unix) => new Date(unix * 1000);
export const clock = (unix) => CLOCK.format(at(unix));
export const minute = (unix) => MINUTE.format(at(unix));
export const isoDay = (unix) => WHOLE_DAY.format(at(unix));

// For names of files: 2026-11-22_132506.
export const stamp = (unix) => `${isoDay(unix)}_${clock(unix).replaceAll(":", "")}`;

// 13:25, or 11/20 13:25 when it was not today.
export function moment(unix) {
  return isoDay(unix) === isoDay(nowSeconds()) ? minute(unix) : `${DAY.format(at(unix))} ${minute(unix)}`;
}

export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} 秒`;
  if (whole < 3600) return `${Math.floor(whole / 60)} 分钟`;
  const hours = Math.floor(whole / 3600);
  if (hours < 24) {
    const rest = Math.floor((whole % 3600) / 60);
    return rest ? `${hours} 小时 ${rest} 分` : `${hours} 小时`;
  }
  const days = Math.floor(hours / 24);
  return hours % 24 ? `${days} 天 ${hours % 24} 小时` : `${days} 天`;
}

export const STATES = { online: "在线", offline: "离线", fault: "故障", unknown: "状态未知" };

// `−250 m`, `+12.4 km`: along the road, positive where stakes are higher.
export function distance(metres) {
  const far = Math.abs(metres);
  const words = far < 1000 ? `${far} m` : `${(far / 1000).toFixed(1)} km`;
  return metres ? `${metres > 0 ? "+" : "−"}${words}` : "0 m";
}
