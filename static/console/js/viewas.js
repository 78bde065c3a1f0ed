// 以此用户查看 ends by itself: the page then becomes the administrator's own again.

const banner = document.querySelector(".view-as");
setTimeout(() => location.assign("/"), (Number(banner.dataset.seconds) + 1) * 1000);
