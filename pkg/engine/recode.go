package engine

import (
	"math"
	"slices"
)

// recode adds the lists of recoded features, sorted by number.
func (c *compiler) recode() {
	a := c.a
	for f, list := range c.m.Recode {
		if list == nil {
			continue
		}
		places := make([]uint32, len(list))
		for i := range places {
			places[i] = uint32(i)
		}
		slices.SortFunc(places, func(x, y uint32) int {
			if list[x] < list[y] {
				return -1
			}
			return 1 // no number stands twice
		})
		a.RecodeLists = append(a.RecodeLists, uint32(f), uint32(len(list)))
		for _, i := range places {
			a.RecodeNumbers = append(a.RecodeNumbers, list[i])
		}
		a.RecodePlaces = append(a.RecodePlaces, places...)
	}
}

// recoded copies the rows of a block with the numbers of recoded features
// replaced by their places.
func (e *Engine) recoded(rows []float64, s *Scratch) []float64 {
	if len(e.a.RecodeLists) == 0 {
		return rows
	}
	s.rows = append(s.rows[:0], rows...)
	numbers, places := e.a.RecodeNumbers, e.a.RecodePlaces
	for lists := e.a.RecodeLists; len(lists) > 0; lists = lists[2:] {
		n := lists[1]
		for i := int(lists[0]); i < len(s.rows); i += e.a.Features {
			s.rows[i] = recode(s.rows[i], numbers[:n], places)
		}
		numbers, places = numbers[n:], places[n:]
	}
	return s.rows
}

// recode is the place of x, or NaN.
func recode(x float64, numbers []float64, places []uint32) float64 {
	low, high := 0, len(numbers)
	for low < high {
		if middle := (low + high) / 2; numbers[middle] < x {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low < len(numbers) && numbers[low] == x {
		return float64(places[low])
	}
	return math.NaN()
}
