/** Lays tiles out so that each is as large as the space allows. */
export function layOut(grid) {
  const count = Math.max(1, grid.querySelectorAll('.tile').length);
  const style = getComputedStyle(grid);
  const gap = parseFloat(style.columnGap) || 12;
  const width = grid.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const note = grid.querySelector('.empty');
  const height = grid.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom) - (note ? note.offsetHeight + gap : 0);
  let best = 0;
  for (let columns = 1; columns <= count; ++columns) {
    const rows = Math.ceil(count / columns);
    const tile = Math.min((width - gap * (columns - 1)) / columns, ((height - gap * (rows - 1)) / rows) * (16 / 9));
    best = Math.max(best, tile);
  }
  // Many people on a small screen: scroll rather than shrink below what can be seen.
  const smallest = Math.min(width, 150);
  grid.style.setProperty('--tile', `${Math.floor(Math.max(best, smallest))}px`);
  grid.style.alignContent = best < smallest ? 'start' : '';
}
